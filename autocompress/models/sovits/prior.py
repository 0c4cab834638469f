"""The prior encoder (upstream: enc_p, TextEncoder): content frames and phonemes → a Gaussian of z_p."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.config import MrteConfig, SovitsConfig
from autocompress.models.sovits.attention import Attention, Encoder
from autocompress.models.sovits.layers import length_mask, masked


@dataclass(frozen=True)
class Gaussian:
    """A diagonal Gaussian over frames: mean and log_std [B, inter, T]."""

    mean: Tensor
    log_std: Tensor

    def sample(self, noise: Tensor, noise_scale: float = 1.0) -> Tensor:
        return self.mean + noise * torch.exp(self.log_std) * noise_scale


class Mrte(nn.Module):
    """Content [B, C, T] attends to phonemes [B, C, P]; g [B, hidden, 1] is added to each frame."""

    def __init__(self, channels: int, config: MrteConfig) -> None:
        super().__init__()
        self.cross_attention = Attention(config.hidden, config.heads, config.head_size)
        self.c_pre = nn.Conv1d(channels, config.hidden, 1)
        self.text_pre = nn.Conv1d(channels, config.hidden, 1)
        self.c_post = nn.Conv1d(config.hidden, channels, 1)

    def forward(
        self, content: Tensor, mask: Tensor | None, text: Tensor, text_mask: Tensor | None, g: Tensor
    ) -> Tensor:
        c = masked(self.c_pre(masked(content, mask)), mask)
        t = masked(self.text_pre(masked(text, text_mask)), text_mask)
        out: Tensor = self.c_post(masked(self.cross_attention(c, t, text_mask) + c + g, mask))
        return out


class PriorEncoder(nn.Module):
    """Quantised content [B, width, T] (already at 50 Hz) and phonemes [B, P] → Gaussian over T frames."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        hidden, prior = config.hidden, config.prior
        shared = (prior.kernel, prior.window, config.dropout)
        self.ssl_proj = nn.Conv1d(config.quantizer.width, hidden, 1)
        self.encoder_ssl = Encoder(hidden, prior.ssl_blocks, *shared)
        self.text_embedding = nn.Embedding(config.phoneme_vocab, hidden)
        self.encoder_text = Encoder(hidden, prior.text_blocks, *shared)
        self.mrte = Mrte(hidden, prior.mrte)
        self.encoder2 = Encoder(hidden, prior.joint_blocks, *shared)
        self.proj = nn.Conv1d(hidden, 2 * config.inter, 1)

    def forward(
        self,
        content: Tensor,
        text_ids: Tensor,
        g: Tensor,
        *,
        frame_mask: Tensor | None = None,
        text_mask: Tensor | None = None,
        speed: float = 1.0,
    ) -> Gaussian:
        y = masked(self.ssl_proj(masked(content, frame_mask)), frame_mask)
        y = self.encoder_ssl(y, frame_mask)
        text = self.encoder_text(self.text_embedding(text_ids).transpose(1, 2), text_mask)
        y = self.encoder2(self.mrte(y, frame_mask, text, text_mask, g), frame_mask)
        if speed != 1.0:
            y, frame_mask = change_speed(y, frame_mask, speed)
        mean, log_std = masked(self.proj(y), frame_mask).chunk(2, dim=1)
        return Gaussian(mean, log_std)


def change_speed(y: Tensor, mask: Tensor | None, speed: float) -> tuple[Tensor, Tensor | None]:
    """Resample frames linearly to int(T / speed) + 1; at speed 1 upstream does not call this."""
    frames = int(y.shape[-1] / speed) + 1
    resampled = F.interpolate(y, size=frames, mode="linear")
    if mask is None:
        return resampled, None
    lengths = (mask.sum((1, 2)) / speed).long() + 1
    return resampled, length_mask(lengths, frames)
