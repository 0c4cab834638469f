"""Mel spectrograms in numpy, on Slaney's scale, as librosa defines them by default."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from autocompress.metrics.audio import Samples, framed


def mel_power(
    samples: Samples, sample_rate_hz: int, n_fft: int, hop: int, n_mels: int
) -> NDArray[np.float64]:
    """Power in mel bands of centred, Hann-windowed frames: [n_frames, n_mels]."""
    padded = np.pad(samples.astype(np.float64), n_fft // 2)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    spectrum = np.abs(np.fft.rfft(framed(padded, n_fft, hop) * window, axis=1)) ** 2
    return np.asarray(spectrum @ mel_filters(sample_rate_hz, n_fft, n_mels).T, dtype=np.float64)


@lru_cache(maxsize=8)
def mel_filters(sample_rate_hz: int, n_fft: int, n_mels: int) -> NDArray[np.float64]:  # [n_mels, n_fft//2+1]
    """Triangular filters of equal area between 0 Hz and half the sample rate."""
    frequencies_hz = np.linspace(0, sample_rate_hz / 2, n_fft // 2 + 1)
    edges_hz = _mel_to_hz(np.linspace(0, _hz_to_mel(sample_rate_hz / 2), n_mels + 2))
    rising = (frequencies_hz[None] - edges_hz[:-2, None]) / np.diff(edges_hz)[:-1, None]
    falling = (edges_hz[2:, None] - frequencies_hz[None]) / np.diff(edges_hz)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(triangles * (2 / (edges_hz[2:] - edges_hz[:-2]))[:, None], dtype=np.float64)


# Slaney's scale: linear up to 1 kHz (15 mel), then 27 mel a factor of 6.4 (Auditory Toolbox, 1998).
_LINEAR_HZ_PER_MEL, _BREAK_HZ, _BREAK_MEL = 200 / 3, 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz / _LINEAR_HZ_PER_MEL
    return float(_BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * _LINEAR_HZ_PER_MEL
    log = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, linear, log)
