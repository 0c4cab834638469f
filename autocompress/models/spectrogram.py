"""The magnitude spectrogram that the style encoder and the posterior encoder take. Holds no torch."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autocompress.errors import AudioError
from autocompress.models.audio import Recording, Samples


@dataclass(frozen=True)
class SpectrogramSettings:
    """Sizes of the magnitude spectrogram in samples; the defaults are those of GPT-SoVITS at 32 kHz."""

    n_fft: int = 2048
    hop: int = 640
    window: int = 2048

    def __post_init__(self) -> None:
        if not 0 < self.hop <= self.window <= self.n_fft:
            raise ValueError(f"a spectrogram needs 0 < hop <= window <= n_fft, found {self}")

    @property
    def n_bins(self) -> int:
        return self.n_fft // 2 + 1


def with_tamed_peak(samples: Samples) -> Samples:
    """Upstream's peak rule: a wave whose peak exceeds 1 is divided by the peak, but at most by 2."""
    peak = float(np.abs(samples).max(initial=0.0))
    return samples if peak <= 1 else samples / np.float32(min(2.0, peak))


def magnitude_spectrogram(samples: Samples, settings: SpectrogramSettings | None = None) -> Samples:
    """Linear magnitudes sqrt(re² + im² + 1e-8) [n_bins, n_frames] of a mono wave, as GPT-SoVITS takes them.

    Reflect padding of (n_fft − hop) / 2 on both sides, periodic Hann window, frames not centred; computed
    in float64.
    """
    settings = settings or SpectrogramSettings()
    padding = (settings.n_fft - settings.hop) // 2
    if len(samples) <= padding:
        raise AudioError(f"a spectrogram needs more than {padding} samples, found {len(samples)}")
    padded = np.pad(samples.astype(np.float64), padding, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, settings.n_fft)[:: settings.hop]
    spectrum = np.fft.rfft(frames * _hann_window(settings), axis=1)
    return np.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-8).T.astype(np.float32, order="C")


def reference_spectrogram(recording: Recording, rate_hz: int, settings: SpectrogramSettings) -> Samples:
    """The spectrogram [n_bins, n_frames] that the style encoder sees: resampled, peak tamed, transformed."""
    return magnitude_spectrogram(with_tamed_peak(recording.at_rate(rate_hz)), settings)


def _hann_window(settings: SpectrogramSettings) -> npt.NDArray[np.float64]:
    phase = 2 * np.pi * np.arange(settings.window) / settings.window
    left = (settings.n_fft - settings.window) // 2
    return np.pad(0.5 - 0.5 * np.cos(phase), (left, settings.n_fft - settings.window - left))
