"""Kaldi's log mel filterbank in numpy: what speaker networks take. Holds no torch.

Source of the definition: Kaldi ``feat/feature-fbank.cc`` with dither 0, 25 ms frames every 10 ms, only whole
frames, Povey window, pre-emphasis 0.97. Samples stay in −1…1, as GPT-SoVITS passes them.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from autocompress.errors import AudioError
from autocompress.models.audio import Samples

FBANK_RATE_HZ = 16_000
_FRAME, _SHIFT, _N_FFT = 400, 160, 512
_PREEMPHASIS = 0.97
_LOWEST_HZ = 20.0
_FLOOR = float(np.finfo(np.float32).eps)


def kaldi_fbank(samples: Samples, n_bins: int = 80) -> Samples:
    """Log mel energies [n_frames, n_bins] of a 16 kHz wave [n_samples] in −1…1."""
    if len(samples) < _FRAME:
        raise AudioError(f"mel features need {_FRAME} samples at {FBANK_RATE_HZ} Hz, found {len(samples)}")
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), _FRAME)[::_SHIFT]
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)  # the first sample precedes itself
    window = np.hanning(_FRAME) ** 0.85  # Povey
    spectrum = np.fft.rfft((frames - _PREEMPHASIS * before) * window, n=_N_FFT, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log(np.maximum(power @ _mel_weights(n_bins).T, _FLOOR)).astype(np.float32)


@lru_cache(maxsize=4)
def _mel_weights(n_bins: int) -> npt.NDArray[np.float64]:
    """Triangles [n_bins, n_fft / 2 + 1], linear in HTK's mel; the Nyquist bin has no weight in Kaldi."""
    edges = np.linspace(_mel(_LOWEST_HZ), _mel(FBANK_RATE_HZ / 2), n_bins + 2)
    centres = _mel(np.arange(_N_FFT // 2) * FBANK_RATE_HZ / _N_FFT)
    left, middle, right = (edges[i : n_bins + i, None] for i in range(3))
    rising, falling = (centres - left) / (middle - left), (right - centres) / (right - middle)
    return np.pad(np.maximum(0.0, np.minimum(rising, falling)), ((0, 0), (0, 1)))


def _mel(hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return 1127.0 * np.log1p(np.asarray(hz, dtype=np.float64) / 700.0)
