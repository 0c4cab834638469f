"""The magnitude spectrogram that style and posterior encoder read, and Slaney mel spectrograms for losses."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from autocompress.models import mel
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
    return torch.from_numpy(mel.mel_filterbank(sample_rate_hz, n_fft, mels, low_hz))
