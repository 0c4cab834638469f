"""The magnitude spectrogram against the original's numbers."""

from pathlib import Path

import numpy as np
import pytest

from autocompress.errors import AudioError
from autocompress.models.audio import Recording
from autocompress.models.config import AudioConfig
from autocompress.models.spectrogram import (
    magnitude_spectrogram,
    reference_spectrogram,
    with_tamed_peak,
)

# The first and last 9 frames' worth of ref_wav in the golden set s2_small_v2, with 6 frames of ref_spec.
GOLDEN = Path(__file__).parent / "data" / "reference_spectrogram.npz"
TOLERANCE = 1e-4  # values reach 155; the golden's README measures 3e-5 between correct implementations


def _errors(audio: AudioConfig, perturb: float = 0.0) -> list[float]:
    golden = np.load(GOLDEN)
    head = magnitude_spectrogram(golden["head_wave"] + np.float32(perturb), audio)[:, :6]
    tail = magnitude_spectrogram(golden["tail_wave"] + np.float32(perturb), audio)[:, -6:]
    return [
        float(np.abs(head - golden["head_spectrogram"]).max()),
        float(np.abs(tail - golden["tail_spectrogram"]).max()),
    ]


def test_it_equals_the_original_at_both_ends_of_the_wave() -> None:
    assert max(_errors(AudioConfig())) < TOLERANCE


def test_the_comparison_notices_another_window_and_another_wave() -> None:
    assert min(_errors(AudioConfig(win=2046))) > 10 * TOLERANCE
    assert min(_errors(AudioConfig(), perturb=1e-4)) > 10 * TOLERANCE


@pytest.mark.parametrize("audio", [AudioConfig(), AudioConfig(16000, 1024, 320, 1024)])
def test_one_second_gives_fifty_frames(audio: AudioConfig) -> None:
    spectrogram = magnitude_spectrogram(np.zeros(audio.sample_rate_hz, np.float32), audio)
    assert spectrogram.shape == (audio.bins, 50)
    np.testing.assert_allclose(spectrogram, 1e-4, rtol=1e-6)  # sqrt(1e-8), the floor


def test_a_sine_lands_in_its_own_bin_with_half_the_window_sum() -> None:
    sine = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    column = magnitude_spectrogram(sine, AudioConfig(16000, 1024, 320, 1024))[:, 20]
    assert column.argmax() == 64
    assert column[64] == pytest.approx(256, rel=1e-3)  # window sum 512, halved between ±f


@pytest.mark.parametrize(("peak", "expected"), [(0.5, 0.5), (1.0, 1.0), (1.5, 1.0), (4.0, 2.0)])
def test_a_peak_above_one_is_divided_by_itself_but_at_most_by_two(peak: float, expected: float) -> None:
    assert np.abs(with_tamed_peak(np.array([0.1, -peak], np.float32))).max() == pytest.approx(expected)


def test_the_reference_spectrogram_resamples_first() -> None:
    t = np.arange(48000 * 2) / 48000
    recording = Recording((0.5 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32), 48000, "0" * 64)
    spectrogram = reference_spectrogram(recording, AudioConfig())
    assert spectrogram.shape == (1025, 100)
    assert spectrogram[:, 50].argmax() == 64


def test_a_wave_shorter_than_the_padding_is_refused() -> None:
    with pytest.raises(AudioError, match="more than 704 samples"):
        magnitude_spectrogram(np.zeros(704, np.float32), AudioConfig())
