"""Mel spectrograms in numpy, on Slaney's scale, as librosa defines them by default."""

import numpy as np
from numpy.typing import NDArray

from autocompress.metrics.audio import Samples, framed
from autocompress.models.mel import mel_filterbank


def mel_power(
    samples: Samples, sample_rate_hz: int, n_fft: int, hop: int, n_mels: int
) -> NDArray[np.float64]:
    """Power in mel bands of centred, Hann-windowed frames: [n_frames, n_mels]."""
    padded = np.pad(samples.astype(np.float64), n_fft // 2)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    spectrum = np.abs(np.fft.rfft(framed(padded, n_fft, hop) * window, axis=1)) ** 2
    return np.asarray(spectrum @ mel_filterbank(sample_rate_hz, n_fft, n_mels).T, dtype=np.float64)
