"""What candidates are judged on: fixed utterances of the teacher, and sentences to be spoken and heard."""

import hashlib
import os
from collections.abc import Container
from dataclasses import dataclass

import numpy as np
import torch

from autocompress.metrics.evaluation_set import EvaluationSet, Task, read_evaluation_set
from autocompress.metrics.speaker import SPEAKER_VARIABLE
from autocompress.metrics.teacher_forced import ForcedCase
from autocompress.models.reference import EVALUATION_SET
from autocompress.models.sampling import generate
from autocompress.models.teacher import Teacher
from autocompress.models.voice import Voice, VoiceOrigin

FORCED_CASES = 4
SPOKEN_SENTENCES, SPOKEN_VOICES = 8, 4
_MOST_TOKENS = 100  # of a forced case: four seconds of speech


@dataclass(frozen=True)
class EvaluationData:
    """``forced`` cases feed the divergence rung, ``spoken`` tasks the speech rung (none: no such rung)."""

    forced: tuple[ForcedCase, ...]
    spoken: tuple[Task, ...]

    @property
    def hash(self) -> str:
        """Of everything that the two rungs feed to a model, and of who judges identity."""
        digest = hashlib.sha256(os.environ.get(SPEAKER_VARIABLE, "").encode())
        for case in self.forced:
            for tensor in (case.phoneme_ids, case.prompt, case.tokens, case.style, case.noise):
                digest.update(tensor.numpy().tobytes())
        for task in self.spoken:
            digest.update(f"{task.item}/{task.seed}/{task.sentence.text}".encode())
        return digest.hexdigest()[:16]


def evaluation_data(teacher: Teacher, evaluation: EvaluationSet | None = None) -> EvaluationData:
    """The shipped evaluation set in the voices that the teacher knows: its last sentences are fed to both
    models, its first ones are spoken."""
    whole = evaluation or read_evaluation_set(EVALUATION_SET)
    return EvaluationData(forced_cases(teacher, whole), evaluation_tasks(teacher, whole))


def evaluation_tasks(teacher: Teacher, evaluation: EvaluationSet | None = None) -> tuple[Task, ...]:
    """The first sentences, the known voices taking turns; none when the teacher knows none of the voices."""
    return spoken_tasks(teacher.voices, evaluation)


def spoken_tasks(names: Container[str], evaluation: EvaluationSet | None = None) -> tuple[Task, ...]:
    """The first sentences in those of the set's voices that are called one of ``names``."""
    whole = evaluation or read_evaluation_set(EVALUATION_SET)
    known = [voice for voice in whole.voices if voice.name in names]
    spoken = EvaluationSet(whole.seed, whole.sentences[:SPOKEN_SENTENCES], tuple(known[:SPOKEN_VOICES]))
    return spoken.in_turn() if known else ()


def forced_cases(teacher: Teacher, evaluation: EvaluationSet) -> tuple[ForcedCase, ...]:
    """The last sentences of the set, one voice after another; the teacher chooses the tokens, seeded."""
    names = [v.name for v in evaluation.voices if v.name in teacher.voices] or sorted(teacher.voices)[:4]
    voices = [teacher.voices[name] for name in names[:FORCED_CASES]] or [stand_in_voice(teacher)]
    sentences = evaluation.sentences[-FORCED_CASES:]
    return tuple(
        forced_case(teacher, s.id, s.text, s.language, voices[i % len(voices)], seed=evaluation.seed + i)
        for i, s in enumerate(sentences)
    )


@torch.inference_mode()
def forced_case(teacher: Teacher, name: str, text: str, language: str, voice: Voice, seed: int) -> ForcedCase:
    """One sentence as the teacher says it in ``voice``."""
    phonemes = teacher.text(text, language)
    target = np.array(phonemes.ids, np.int64)
    ids = torch.from_numpy(np.concatenate((voice.prompt_phoneme_ids, target)))[None]
    prompt = torch.from_numpy(np.array(voice.prompt_tokens, np.int64))[None]
    generator = torch.Generator().manual_seed(seed)
    made = generate(
        teacher.gpt, ids, None, prompt, teacher.settings.sampling, generator=generator,
        early_stop_tokens=_MOST_TOKENS,
    )  # fmt: skip
    tokens = made.callers_tokens[None]
    frames = 2 * tokens.shape[1]
    noise = (
        torch.randn(1, teacher.sovits.config.inter, frames, generator=generator)
        * teacher.settings.noise_scale
    )
    style = torch.from_numpy(np.array(voice.style))[None, :, None]
    return ForcedCase(name, text, ids, torch.from_numpy(target)[None], prompt, tokens, style, noise)


def stand_in_voice(teacher: Teacher, seed: int = 0) -> Voice:
    """A voice of random tokens for a model that came without one: enough to compare a student with it."""
    generator = np.random.default_rng(seed)
    config = teacher.sovits.config
    style = 0.3 * generator.standard_normal(config.gin).astype(np.float32)
    tokens = generator.integers(config.quantizer.codes, size=75)
    phonemes = np.array(teacher.text("This is a stand-in voice.", "en").ids, np.int64)
    origin = VoiceOrigin(("0" * 64,), config.version)
    return Voice("stand-in", "en", "This is a stand-in voice.", tokens, phonemes, style, origin)
