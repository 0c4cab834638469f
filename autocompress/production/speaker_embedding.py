"""The speaker metric's own embedder as a torch network, so that a gradient passes through it.

The weights are those of ``metrics.speaker`` (Resemblyzer's, Apache-2.0). It hears 16 kHz; other rates are
resampled by a fixed windowed-sinc filter. Short segments are embedded as they are, without the windows of
1.6 s that the metric averages over.
"""

import math
from functools import lru_cache
from importlib import resources

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.metrics.audio import SPEECH_RATE_HZ
from autocompress.models.mel import mel_filterbank

_HOP, _WINDOW, _MELS = SPEECH_RATE_HZ // 100, SPEECH_RATE_HZ // 40, 40
_LEVEL_DBFS = -26.0
_FILTER_HALF_WIDTH = 16  # in zero crossings of the sinc


class SpeakerNetwork(nn.Module):
    """Audio [B, n] → unit vectors [B, 256]."""

    mel: Tensor
    window: Tensor
    sinc: Tensor

    def __init__(self, sample_rate_hz: int) -> None:
        super().__init__()
        weights = _weights()
        self.stride = max(1, round(sample_rate_hz / SPEECH_RATE_HZ))
        self.lstm = nn.LSTM(_MELS, 256, num_layers=3, batch_first=True)
        self.linear = nn.Linear(256, 256)
        own = {n.replace("lstm.", "", 1): w for n, w in weights.items() if n.startswith("lstm.")}
        self.lstm.load_state_dict(own)
        self.linear.load_state_dict({n: weights[f"linear.{n}"] for n in ("weight", "bias")})
        bank = mel_filterbank(SPEECH_RATE_HZ, _WINDOW, _MELS)
        self.register_buffer("mel", torch.from_numpy(bank))
        self.register_buffer("window", torch.hann_window(_WINDOW))
        self.register_buffer("sinc", _sinc(self.stride))
        self.requires_grad_(False)

    def forward(self, audio: Tensor) -> Tensor:
        with torch.autocast(audio.device.type, enabled=False):
            speech = levelled(self._at_speech_rate(audio.float()))
            hidden, _ = self.lstm(self.mel_power(speech))
            return F.normalize(F.relu(self.linear(hidden[:, -1])), dim=-1, eps=1e-8)

    def mel_power(self, speech: Tensor) -> Tensor:  # [B, n] -> [B, frames, 40]
        spectrum = torch.stft(
            speech, _WINDOW, _HOP, window=self.window, pad_mode="constant", return_complex=True
        )
        power = torch.view_as_real(spectrum).square().sum(-1)
        return (self.mel @ power).transpose(1, 2)

    def _at_speech_rate(self, audio: Tensor) -> Tensor:
        if self.stride == 1:
            return audio
        half = self.sinc.shape[-1] // 2
        return F.conv1d(audio[:, None], self.sinc[None, None], stride=self.stride, padding=half)[:, 0]


def speaker_network(sample_rate_hz: int) -> SpeakerNetwork | None:
    """The network for audio of this rate; None where it is no multiple of 16 kHz."""
    return None if sample_rate_hz % SPEECH_RATE_HZ else SpeakerNetwork(sample_rate_hz)


def levelled(speech: Tensor) -> Tensor:
    """Each row [B, n] at −26 dBFS, as the metric hears it."""
    rms = speech.square().mean(1, keepdim=True).clamp(min=1e-10).sqrt()
    return speech * (10 ** (_LEVEL_DBFS / 20) / rms)


def _sinc(stride: int) -> Tensor:
    """Low-pass filter before keeping every ``stride``-th sample."""
    half = _FILTER_HALF_WIDTH * stride
    place = torch.arange(-half, half + 1, dtype=torch.float64) / stride
    kernel = torch.sinc(place) * (0.5 + 0.5 * torch.cos(math.pi * place / _FILTER_HALF_WIDTH))
    return (kernel / kernel.sum()).float()


@lru_cache(maxsize=1)
def _weights() -> dict[str, Tensor]:
    path = resources.files("autocompress.metrics").joinpath("_weights/resemblyzer.npz")
    with resources.as_file(path) as file, np.load(file, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays.files}
