"""The magnitude spectrogram of a reference recording, for the style encoder. Holds no torch."""

import numpy as np
import numpy.typing as npt

from autocompress.errors import AudioError
from autocompress.models.audio import Recording, Samples
from autocompress.models.config import AudioConfig


def with_tamed_peak(samples: Samples) -> Samples:
    """Upstream's peak rule: a wave whose peak exceeds 1 is divided by the peak, but at most by 2."""
    peak = float(np.abs(samples).max(initial=0.0))
    return samples if peak <= 1 else samples / np.float32(min(2.0, peak))


def magnitude_spectrogram(samples: Samples, audio: AudioConfig) -> Samples:
    """Linear magnitudes sqrt(re² + im² + 1e-8) [bins, n_frames] of a mono wave, as GPT-SoVITS takes them.

    Reflect padding of (n_fft − hop) / 2 on both sides, periodic Hann window, frames not centred; computed
    in float64.
    """
    padding = (audio.n_fft - audio.hop) // 2
    if len(samples) <= padding:
        raise AudioError(f"a spectrogram needs more than {padding} samples, found {len(samples)}")
    padded = np.pad(samples.astype(np.float64), padding, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, audio.n_fft)[:: audio.hop]
    spectrum = np.fft.rfft(frames * _hann_window(audio), axis=1)
    return np.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-8).T.astype(np.float32, order="C")


def reference_spectrogram(recording: Recording, audio: AudioConfig) -> Samples:
    """The spectrogram [bins, n_frames] that the style encoder sees: resampled, peak tamed, transformed."""
    return magnitude_spectrogram(with_tamed_peak(recording.at_rate(audio.sample_rate_hz)), audio)


def _hann_window(audio: AudioConfig) -> npt.NDArray[np.float64]:
    phase = 2 * np.pi * np.arange(audio.win) / audio.win
    left = (audio.n_fft - audio.win) // 2
    return np.pad(0.5 - 0.5 * np.cos(phase), (left, audio.n_fft - audio.win - left))
