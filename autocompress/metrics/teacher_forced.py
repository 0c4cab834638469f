"""The divergence rung: both halves of a candidate fed what the teacher was fed, and compared with it.

The GPT half predicts the teacher's own tokens; the SoVITS half speaks them with the teacher's noise. They
meet only at the tokens, so each is scored once and every pair of halves is composed from the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from autocompress.metrics.divergence import MEL_METRICS, TOKEN_METRICS, TeacherForced
from autocompress.metrics.utterance import Recording, Utterance
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits

KL_SCALE_NATS = 1.0
"""A next-token divergence that ruins speech: the quality loss of the GPT half is its KL over this."""
MEL_SCALE_DB = 10.0
"""A mel distance that ruins speech: two different speakers with the same words differ by about this much."""


@dataclass(frozen=True, eq=False)
class ForcedCase:
    """One utterance of the teacher: ``phoneme_ids`` are those of prompt and target."""

    sentence: str
    text: str
    phoneme_ids: Tensor  # [1, X]
    target_ids: Tensor  # [1, P]
    prompt: Tensor  # [1, Y]
    tokens: Tensor  # [1, N]
    style: Tensor  # [1, gin, 1]
    noise: Tensor  # [1, inter, 2 N]
    bert: Tensor | None = None


@dataclass(frozen=True)
class HalfScore:
    """Scores of one half, each with the values of every case; ``failure`` when it cannot be scored."""

    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    failure: str | None = None

    def mean(self, name: str) -> float:
        return float(np.mean(self.values[name]))


@dataclass(frozen=True, eq=False)
class TeacherForcedSet:
    """Fixed cases and what the teacher answers to them."""

    cases: tuple[ForcedCase, ...]
    logits: tuple[np.ndarray, ...] = field(repr=False)  # [N + 1, V] a case
    audio: tuple[Recording, ...] = field(repr=False)

    @classmethod
    def of(cls, gpt: Gpt, sovits: Sovits, cases: Sequence[ForcedCase]) -> "TeacherForcedSet":
        """The teacher's answers, computed once."""
        rate = sovits.config.audio.sample_rate_hz
        logits = tuple(forced_logits(gpt, case) for case in cases)
        audio = tuple(Recording(spoken(sovits, case), rate) for case in cases)
        return cls(tuple(cases), logits, audio)

    def score_gpt(self, gpt: Gpt) -> HalfScore:
        """KL in nats, top-15 agreement and stop agreement of a student's GPT."""
        readings: dict[str, list[float]] = {name: [] for name in TOKEN_METRICS}
        for case, teacher in zip(self.cases, self.logits, strict=True):
            forced = TeacherForced(case.sentence, teacher, forced_logits(gpt, case), gpt.config.eos)
            for name, metric in TOKEN_METRICS.items():
                reading = metric.read(forced)
                if reading.failure:
                    return HalfScore(failure=f"GPT on {case.sentence}: {reading.failure}")
                readings[name].append(reading.value)
        return HalfScore({name: tuple(values) for name, values in readings.items()})

    def score_sovits(self, sovits: Sovits) -> HalfScore:
        """Mel distance in dB of a student's SoVITS."""
        metric, values = MEL_METRICS["mel_distance"], []
        rate = sovits.config.audio.sample_rate_hz
        for case, teacher in zip(self.cases, self.audio, strict=True):
            said = Utterance(case.sentence, case.text, Recording(spoken(sovits, case), rate), teacher=teacher)
            reading = metric.read(said)
            if reading.failure:
                return HalfScore(failure=f"SoVITS on {case.sentence}: {reading.failure}")
            values.append(reading.value)
        return HalfScore({"mel_distance": tuple(values)})


@torch.inference_mode()
def forced_logits(gpt: Gpt, case: ForcedCase) -> np.ndarray:
    """Logits [N + 1, V] of every token of a case and of the stop behind them, given all that came before."""
    codes = torch.cat((case.prompt, case.tokens), dim=1)
    lengths = torch.tensor([case.phoneme_ids.shape[1]]), torch.tensor([codes.shape[1]])
    logits = gpt(case.phoneme_ids, lengths[0], case.bert, codes, lengths[1])
    out: np.ndarray = logits[0, case.prompt.shape[1] :].float().numpy()
    return out


@torch.inference_mode()
def spoken(sovits: Sovits, case: ForcedCase) -> np.ndarray:
    """The case's tokens as audio [n]."""
    audio = sovits.synthesize(case.tokens, case.target_ids, case.style, case.noise)
    out: np.ndarray = audio[0, 0].float().numpy()
    return out
