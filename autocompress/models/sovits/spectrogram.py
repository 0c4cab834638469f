"""The magnitude spectrogram that style and posterior encoder read, and Slaney mel spectrograms for losses."""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from autocompress.models.config import AudioConfig


def magnitude_spectrogram(wave: Tensor, audio: AudioConfig, eps: float = 1e-8) -> Tensor:
    """wave [B, n] → [B, bins, n // hop]: reflect padding, periodic Hann, not centred, √(re² + im² + eps)."""
    pad = (audio.n_fft - audio.hop) // 2
    padded = F.pad(wave.float().unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    window = torch.hann_window(audio.win, device=wave.device)
    spectrum = torch.stft(
        padded, audio.n_fft, audio.hop, audio.win, window, center=False, return_complex=True
    )
    return (torch.view_as_real(spectrum).square().sum(-1) + eps).sqrt()


def log_mel(spec: Tensor, audio: AudioConfig, mels: int = 128, low_hz: float = 0.0) -> Tensor:
    """Magnitudes [B, bins, T] → log mel [B, mels, T], floored at 1e-5."""
    bank = mel_filterbank(audio.sample_rate_hz, audio.n_fft, mels, low_hz).to(spec.device)
    with torch.autocast(spec.device.type, enabled=False):
        return torch.log(torch.clamp(torch.matmul(bank, spec.float()), min=1e-5))


@lru_cache(maxsize=16)
def mel_filterbank(sample_rate_hz: int, n_fft: int, mels: int, low_hz: float = 0.0) -> Tensor:
    """Triangular filters on Slaney's mel scale, each of unit area → [mels, n_fft // 2 + 1]."""
    low, high = _hz_to_mel(low_hz), _hz_to_mel(sample_rate_hz / 2)
    edges = [_mel_to_hz(low + (high - low) * i / (mels + 1)) for i in range(mels + 2)]
    corner = torch.tensor(edges, dtype=torch.float64)
    bins = torch.linspace(0, sample_rate_hz / 2, n_fft // 2 + 1, dtype=torch.float64)
    left, centre, right = corner[:-2, None], corner[1:-1, None], corner[2:, None]
    triangle = torch.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clamp(min=0)
    return (triangle * 2.0 / (right - left)).float()


_LINEAR_HZ, _STEP_HZ, _LOG_STEP = 1000.0, 200.0 / 3, math.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    if hz < _LINEAR_HZ:
        return hz / _STEP_HZ
    return _LINEAR_HZ / _STEP_HZ + math.log(hz / _LINEAR_HZ) / _LOG_STEP


def _mel_to_hz(mel: float) -> float:
    linear = _LINEAR_HZ / _STEP_HZ
    return mel * _STEP_HZ if mel < linear else _LINEAR_HZ * math.exp(_LOG_STEP * (mel - linear))
