"""One number for loss of quality at each rung, with an interval over sentences; zero is the teacher.

At the divergence rung it is the mean of two halves, each about 1 where speech breaks. At the speech rung it
sums what a listener loses: identity, naturalness, words. The two scales are not compared: rungs rank apart.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from autocompress.metrics.teacher_forced import KL_SCALE_NATS, MEL_SCALE_DB, HalfScore
from autocompress.objectives import Measurement

# What costs one unit of loss, from the project's own bounds on a delivered voice: similarity − 0.02,
# MOS − 0.15 and CER + 0.01 are just noticeable; ten times that is a broken voice.
SPEECH_UNITS: Mapping[str, float] = {"similarity": 0.2, "mos": 1.5, "cer": 0.1}


def divergence_loss(gpt: HalfScore, sovits: HalfScore, seed: int) -> tuple[Measurement, ...]:
    """``divergence`` (KL of the GPT half, nats) and ``quality_loss`` composed from both halves."""
    kl, mel = np.array(gpt.values["kl"]), np.array(sovits.values["mel_distance"])
    loss = 0.5 * (kl / KL_SCALE_NATS + mel / MEL_SCALE_DB)
    return _interval("divergence", kl, seed), _interval("quality_loss", loss, seed)


def speech_loss(
    heard: Mapping[str, Mapping[str, float]], teacher: Mapping[str, Mapping[str, float]], seed: int
) -> Measurement:
    """``quality_loss`` of spoken items (metric → "sentence/voice" → value) beside the teacher's own.

    Differences are taken item by item, so that a hard sentence does not count against the student.
    """
    known = [name for name in SPEECH_UNITS if name in heard and name in teacher]
    items = list(heard[known[0]])
    losses = np.zeros(len(items))
    for name in known:
        sign = 1.0 if name == "cer" else -1.0
        change = np.array([heard[name][item] - teacher[name][item] for item in items])
        losses += sign * change / SPEECH_UNITS[name]
    return _interval("quality_loss", losses, seed)


def _interval(key: str, values: Sequence[float] | np.ndarray, seed: int) -> Measurement:
    """Mean over cases with its bootstrap interval."""
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    if len(array) < 2:
        return Measurement(key, mean, mean, mean, "measured")
    draws = np.random.default_rng(seed).choice(array, (400, len(array))).mean(axis=1)
    low, high = np.quantile(draws, (0.05, 0.95))
    return Measurement(key, mean, min(mean, float(low)), max(mean, float(high)), "measured")
