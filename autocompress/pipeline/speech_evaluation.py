"""How a model speaks: every task of an evaluation set, said and scored; and what limits it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from autocompress.metrics.evaluation_set import EvaluationSet, Task
from autocompress.metrics.metric import Metric
from autocompress.metrics.score import Item, Score, score_all
from autocompress.metrics.speaker import embed_speaker, similarity
from autocompress.metrics.speech import speech_metrics
from autocompress.metrics.utterance import Recording, Utterance
from autocompress.models.teacher import Teacher

MODEL_METRICS = ("similarity", "mos", "cer", "wer", "repetition_rate", "skip_rate", "loop_share")


@dataclass(frozen=True)
class Spoken:
    """One task as a model said it."""

    utterance: Utterance
    stopped_by_eos: bool


@dataclass(frozen=True)
class SpeechReport:
    """Scores by metric name; ``ranked_first`` and ``stop_failures`` are shares of all tasks."""

    scores: Mapping[str, Score]
    ranked_first: float
    stop_failures: float
    n_tasks: int


def evaluate_speech(
    teacher: Teacher,
    tasks: Sequence[Task],
    cast: Mapping[str, Recording],
    report: Callable[[int, int], None],
    seed: int = 0,
) -> SpeechReport:
    """Say all ``tasks`` and score them; the right voice should rank first among the ``cast``."""
    spoken: dict[Item, Spoken] = {}
    for done, task in enumerate(tasks, 1):
        spoken[task.item] = say(teacher, task)
        report(done, len(tasks))
    utterances = {item: said.utterance for item, said in spoken.items()}
    return SpeechReport(
        scores=score_all(_metrics(), utterances, seed=seed),
        ranked_first=ranked_first(utterances, cast),
        stop_failures=float(np.mean([not said.stopped_by_eos for said in spoken.values()])),
        n_tasks=len(tasks),
    )


def say(teacher: Teacher, task: Task) -> Spoken:
    """One sentence in one voice with the task's own seed."""
    with torch.inference_mode():
        parts = teacher.speak(task.sentence.text, task.voice.name, task.seed, language=task.sentence.language)
    audio = np.concatenate([part.audio for part in parts])
    tokens = tuple(int(token) for part in parts for token in part.generation.tokens)
    utterance = Utterance(
        task.sentence.id,
        task.sentence.text,
        Recording(audio, teacher.sample_rate_hz),
        voice=task.voice.reference,
        tokens=tokens,
    )
    return Spoken(utterance, all(part.generation.stopped_by_eos for part in parts))


def ranked_first(utterances: Mapping[Item, Utterance], cast: Mapping[str, Recording]) -> float:
    """Share of utterances that sound most like their own voice among the ``cast``."""
    voices = {name: embed_speaker(r.samples, r.sample_rate_hz) for name, r in cast.items()}
    hits = []
    for item, said in utterances.items():
        if said.fault() is not None:
            hits.append(False)
            continue
        heard = embed_speaker(said.speech.samples, said.speech.sample_rate_hz)
        best = max(voices, key=lambda name: similarity(heard, voices[name]))
        hits.append(best == item.voice)
    return float(np.mean(hits))


def cast_of(evaluation_set: EvaluationSet) -> dict[str, Recording]:
    return {voice.name: voice.reference for voice in evaluation_set.voices}


def _metrics() -> list[Metric[Utterance]]:
    table = speech_metrics()
    return [table[name] for name in MODEL_METRICS]
