"""Multi-head attention by 1x1 convolutions, with learned relative positions in a window, and its encoder.

Legend: B batch, C channels, T query frames, S key frames, H heads, h head size, W window; R = 2W + 1.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.config import BlockSize
from autocompress.models.sovits.layers import ChannelNorm, masked, same_padding

MASKED_LOGIT = -1e4


class Attention(nn.Module):
    """Upstream's MultiHeadAttention: [B, C, T] attends to [B, C, S]; ``key_mask`` [B, 1, S] hides padding."""

    def __init__(self, channels: int, heads: int, head_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.head_size = heads, head_size
        inner = heads * head_size
        self.conv_q = nn.Conv1d(channels, inner, 1)
        self.conv_k = nn.Conv1d(channels, inner, 1)
        self.conv_v = nn.Conv1d(channels, inner, 1)
        self.conv_o = nn.Conv1d(inner, channels, 1)
        self.drop = nn.Dropout(dropout)
        for conv in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(conv.weight)

    def forward(self, x: Tensor, context: Tensor, key_mask: Tensor | None = None) -> Tensor:
        q = self._split(self.conv_q(x)) / math.sqrt(self.head_size)
        k, v = self._split(self.conv_k(context)), self._split(self.conv_v(context))
        logits = self._logits(q, k)
        if key_mask is not None:
            logits = logits.masked_fill(key_mask.unsqueeze(1) == 0, MASKED_LOGIT)
        mixed = self._mix(self.drop(torch.softmax(logits, dim=-1)), v)
        out: Tensor = self.conv_o(mixed.transpose(2, 3).flatten(1, 2))
        return out

    def _split(self, x: Tensor) -> Tensor:  # [B, H*h, T] -> [B, H, T, h]
        return x.reshape(x.shape[0], self.heads, self.head_size, -1).transpose(2, 3)

    def _logits(self, q: Tensor, k: Tensor) -> Tensor:
        return torch.matmul(q, k.transpose(2, 3))

    def _mix(self, weights: Tensor, v: Tensor) -> Tensor:
        return torch.matmul(weights, v)


class RelativeAttention(Attention):
    """Self-attention whose keys and values also depend on key position − query position, within ±window."""

    def __init__(self, channels: int, size: BlockSize, window: int, dropout: float = 0.0) -> None:
        super().__init__(channels, size.heads, size.head_size, dropout)
        self.window = window
        shape, scale = (1, 2 * window + 1, size.head_size), size.head_size**-0.5
        self.emb_rel_k = nn.Parameter(torch.randn(shape) * scale)
        self.emb_rel_v = nn.Parameter(torch.randn(shape) * scale)

    def _logits(self, q: Tensor, k: Tensor) -> Tensor:
        content = super()._logits(q, k)
        by_offset = torch.matmul(q, self.emb_rel_k[0].t())  # [B, H, T, R]
        place = torch.arange(q.shape[2], device=q.device)
        offset = place.unsqueeze(0) - place.unsqueeze(1) + self.window  # [T, T]; row of emb_rel_k
        inside = (offset >= 0) & (offset <= 2 * self.window)
        index = offset.clamp(0, 2 * self.window).expand(content.shape)
        return content + by_offset.gather(-1, index) * inside.to(by_offset.dtype)

    def _mix(self, weights: Tensor, v: Tensor) -> Tensor:
        place = torch.arange(weights.shape[2], device=v.device).unsqueeze(1)
        rows = torch.arange(2 * self.window + 1, device=v.device)
        index = (place + rows).expand(*weights.shape[:3], -1)  # into keys padded by the window on both sides
        by_offset = F.pad(weights, (self.window, self.window)).gather(-1, index)  # [B, H, T, R]
        return super()._mix(weights, v) + torch.matmul(by_offset, self.emb_rel_v[0])


class FeedForward(nn.Module):
    def __init__(self, channels: int, inner: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, inner, kernel, padding=same_padding(kernel))
        self.conv_2 = nn.Conv1d(inner, channels, kernel, padding=same_padding(kernel))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        inner = self.drop(F.relu(self.conv_1(masked(x, mask))))
        return masked(self.conv_2(masked(inner, mask)), mask)


class Encoder(nn.Module):
    """Post-norm blocks over [B, C, T]; no positional encoding but the relative window. May have no blocks."""

    def __init__(
        self, channels: int, blocks: Sequence[BlockSize], kernel: int, window: int, dropout: float
    ) -> None:
        super().__init__()
        self.attn_layers = nn.ModuleList(RelativeAttention(channels, b, window, dropout) for b in blocks)
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in blocks)
        self.ffn_layers = nn.ModuleList(FeedForward(channels, b.ffn, kernel, dropout) for b in blocks)
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in blocks)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = masked(x, mask)
        parts = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True)
        for attention, norm_1, ffn, norm_2 in parts:
            x = norm_1(x + self.drop(attention(x, x, mask)))
            x = norm_2(x + self.drop(ffn(x, mask)))
        return masked(x, mask)
