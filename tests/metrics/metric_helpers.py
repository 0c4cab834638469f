"""Names and small helpers that the tests of the metrics share."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from autocompress.metrics.utterance import Recording

SPEECH = Path(__file__).parents[1] / "data" / "speech"
TEXTS = {
    "00014": "We counted seven hours, not seven.",
    "00046": "It took us seven chairs to find the chess board.",
    "00006": "It took us eleven degrees to find the garage door.",
    "00038": "A shallow machine can change the course of a measure.",
    "00021": "Late at night, her youngest cousin brought back the rusty key.",
    "00053": "Do you remember the smooth journey on the other side of the river?",
    "00008": "There is the garage door on the other side of the river, and nobody knows why.",
    "00104": "The vague highway was even more royal than the rhythm.",
}
SAME_VOICE = {"00046": "00014", "00038": "00006", "00053": "00021", "00104": "00008"}
PACKAGES = {"quality": "distillmos", "asr": "faster_whisper"}


@lru_cache
def with_noise(recording: Recording, snr_db: float, seed: int = 0) -> Recording:
    power = float(np.mean(recording.samples**2)) * 10 ** (-snr_db / 10)
    noise = np.random.default_rng(seed).normal(0, np.sqrt(power), recording.samples.size)
    return Recording((recording.samples + noise).astype(np.float32), recording.sample_rate_hz)


def require(extra: str | None) -> None:
    if extra is not None and find_spec(PACKAGES[extra]) is None:
        pytest.skip(f"the extra {extra!r} is not installed")
