"""Divergence: how far a candidate strays from its teacher when both are fed the same.

The GPT half is teacher-forced: both models see the teacher's tokens and their predictions of the next one are
compared. The SoVITS half decodes the same tokens with the same noise, and the mel spectrograms are compared
frame by frame. Arrays come in, so that PyTorch and ONNX Runtime can be compared alike.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from autocompress.errors import AudioError, MalformedError
from autocompress.metrics.audio import SPEECH_RATE_HZ, Samples, at_rate
from autocompress.metrics.mel import mel_power
from autocompress.metrics.metric import Metric
from autocompress.metrics.utterance import Utterance

Logits = NDArray[np.float32]  # [n_steps, vocabulary]

TOP_K = 15  # GPT-SoVITS samples among the 15 likeliest tokens
_WORST_KL_NATS = 20.0  # log of a vocabulary of 1 025 is 6.9: far beyond not knowing at all
_WORST_MEL_DB = 80.0  # the dynamic range that is kept
_MEL_TOLERANCE_FRAMES = 2


@dataclass(frozen=True, slots=True, eq=False)
class TeacherForced:
    """Next-token logits of teacher and candidate at the same steps; ``eos`` is the stop token."""

    sentence: str
    teacher: Logits = field(repr=False)
    candidate: Logits = field(repr=False)
    eos: int

    def __post_init__(self) -> None:
        shape = self.teacher.shape
        if len(shape) != 2 or shape[0] == 0 or not 0 <= self.eos < shape[1] or shape[1] < TOP_K:
            raise MalformedError(
                f"Comparing logits of {self.sentence!r}: the teacher's have shape {shape}, eos={self.eos}. "
                f"Give [n_steps, vocabulary] with at least one step and {TOP_K} tokens, eos among them."
            )
        if not np.isfinite(self.teacher).all():
            raise MalformedError(
                f"Comparing logits of {self.sentence!r}: the teacher's hold NaN. Check the teacher."
            )

    def fault(self) -> str | None:
        """Why the candidate's logits cannot be compared, or ``None``."""
        if self.candidate.shape != self.teacher.shape:
            return f"the logits have shape {self.candidate.shape}, the teacher's {self.teacher.shape}"
        bad = int(np.count_nonzero(~np.isfinite(self.candidate)))
        return f"{bad} of {self.candidate.size} logits are NaN or infinite" if bad else None


def kl_nats(forced: TeacherForced) -> float:
    """Mean Kullback-Leibler divergence of the candidate's next-token distribution from the teacher's."""
    teacher, candidate = _log_softmax(forced.teacher), _log_softmax(forced.candidate)
    return float(np.mean(np.sum(np.exp(teacher) * (teacher - candidate), axis=1)))


def top_k_agreement(forced: TeacherForced) -> float:
    """Mean share of the teacher's 15 likeliest tokens that are among the candidate's 15 likeliest."""
    teacher, candidate = _top_k(forced.teacher), _top_k(forced.candidate)
    shared = [np.intersect1d(one, other).size for one, other in zip(teacher, candidate, strict=True)]
    return float(np.mean(shared) / TOP_K)


def stop_agreement(forced: TeacherForced) -> float:
    """Share of steps where both or neither would stop, stops and other steps weighing the same.

    GPT-SoVITS stops when the likeliest token is EOS. Unweighted, one that never stops would score 0.99.
    """
    stops, candidate_stops = (
        logits.argmax(axis=1) == forced.eos for logits in (forced.teacher, forced.candidate)
    )
    agrees = stops == candidate_stops
    return float(np.mean([agrees[kind].mean() for kind in (stops, ~stops) if kind.any()]))


def mel_distance_db(one: Samples, other: Samples, sample_rate_hz: int) -> float:
    """Mean absolute difference of two mel spectrograms in dB, frame by frame, over 80 dB of range."""
    mel_one, mel_other = (_mel(samples, sample_rate_hz) for samples in (one, other))
    if abs(len(mel_one) - len(mel_other)) > _MEL_TOLERANCE_FRAMES:
        raise AudioError(
            f"Comparing mel spectrograms: {len(mel_one)} frames against {len(mel_other)}. "
            "The same tokens must give speech of the same length."
        )
    n_frames = min(len(mel_one), len(mel_other))
    floor = mel_other.max() * 10 ** (-_WORST_MEL_DB / 10)
    levels = [10 * np.log10(np.maximum(mel[:n_frames], floor)) for mel in (mel_one, mel_other)]
    return float(np.mean(np.abs(levels[0] - levels[1])))


def _mel_distance(said: Utterance) -> float:
    pair = (said.speech, said.required_teacher())
    one, other = (at_rate(recording.samples, recording.sample_rate_hz) for recording in pair)
    return mel_distance_db(one, other, SPEECH_RATE_HZ)


def _mel(samples: Samples, sample_rate_hz: int) -> NDArray[np.float64]:
    return mel_power(at_rate(samples, sample_rate_hz), SPEECH_RATE_HZ, n_fft=1024, hop=160, n_mels=80)


def _log_softmax(logits: Logits) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float64)


def _top_k(logits: Logits) -> NDArray[np.int64]:  # [n_steps, 15]
    return np.argsort(-logits, axis=1, kind="stable")[:, :TOP_K]


TOKEN_METRICS = {
    metric.name: metric
    for metric in (
        Metric("kl", "nats", _WORST_KL_NATS, 0.01, TeacherForced.fault, kl_nats, relative=True),
        Metric(
            "top_k_agreement", "share", 0, 0.02, TeacherForced.fault, top_k_agreement, True, relative=True
        ),
        Metric("stop_agreement", "share", 0, 0.001, TeacherForced.fault, stop_agreement, True, relative=True),
    )
}

MEL_METRICS = {
    "mel_distance": Metric(
        "mel_distance", "dB", _WORST_MEL_DB, 0.02, Utterance.fault, _mel_distance, relative=True
    ),
}
