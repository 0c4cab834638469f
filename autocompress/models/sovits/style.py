"""The style encoder (upstream: ref_enc, MelStyleEncoder): a spectrogram → the global condition."""

import math

import torch
from torch import Tensor, nn

from autocompress.models.config import StyleConfig
from autocompress.models.sovits.layers import masked, same_padding


class NamedLinear(nn.Module):
    """A linear layer under the extra name ``fc`` that the checkpoints have."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(x)
        return out


class NamedConv(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, padding=same_padding(kernel))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class GatedConv(nn.Module):
    """x + a · sigmoid(b), with a and b the halves of a convolution's output."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.conv1 = NamedConv(channels, 2 * channels, kernel)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.conv1(x).chunk(2, dim=1)
        out: Tensor = x + a * torch.sigmoid(b)
        return out


class StyleAttention(nn.Module):
    """Self-attention over [B, T, C] with a residual; logits are divided by √C, not by √head size."""

    def __init__(self, channels: int, heads: int, head_size: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, math.sqrt(channels)
        self.w_qs = nn.Linear(channels, heads * head_size)
        self.w_ks = nn.Linear(channels, heads * head_size)
        self.w_vs = nn.Linear(channels, heads * head_size)
        self.fc = nn.Linear(heads * head_size, channels)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = self._split(self.w_qs(x)), self._split(self.w_ks(x)), self._split(self.w_vs(x))
        logits = torch.matmul(q, k.transpose(2, 3)) / self.scale
        if mask is not None:  # [B, 1, T]
            logits = logits.masked_fill(mask.unsqueeze(1) == 0, -torch.inf)
        mixed = torch.matmul(torch.softmax(logits, dim=-1), v).transpose(1, 2).flatten(2)
        out: Tensor = self.fc(mixed) + x
        return out

    def _split(self, x: Tensor) -> Tensor:  # [B, T, H*h] -> [B, H, T, h]
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class StyleEncoder(nn.Module):
    """Magnitude spectrogram [B, ≥bins, T] → global condition [B, gin, 1]; extra bins are ignored."""

    def __init__(self, config: StyleConfig, gin: int) -> None:
        super().__init__()
        self.bins = config.bins
        hidden = config.hidden
        self.spectral = nn.Sequential(
            NamedLinear(config.bins, hidden), nn.Mish(), nn.Identity(), NamedLinear(hidden, hidden), nn.Mish()
        )
        self.temporal = nn.Sequential(*(GatedConv(hidden, config.kernel) for _ in range(config.convs)))
        self.slf_attn = StyleAttention(hidden, config.heads, config.head_size)
        self.fc = NamedLinear(hidden, gin)

    def forward(self, spec: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.spectral(spec[:, : self.bins].transpose(1, 2)).transpose(1, 2)
        for conv in self.temporal:
            x = masked(conv(masked(x, mask)), mask)
        out: Tensor = self.fc(self.slf_attn(x.transpose(1, 2), mask)).transpose(1, 2)  # [B, gin, T]
        return masked_mean(out, mask)


def masked_mean(x: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over the frames that count → [B, C, 1]."""
    if mask is None:
        return x.mean(dim=2, keepdim=True)
    return (x * mask).sum(dim=2, keepdim=True) / mask.sum(dim=2, keepdim=True)
