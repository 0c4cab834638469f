"""Vector quantization: features → semantic tokens → code vectors, and its training by moving averages.

Legend: B batch, D code width, N tokens, K codes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.config import QuantizerConfig


@dataclass(frozen=True)
class Quantized:
    """vectors [B, D, N] (straight-through while training), codes int64 [B, N], commitment loss (scalar)."""

    vectors: Tensor
    codes: Tensor
    commitment: Tensor


class Codebook(nn.Module):
    """Code vectors as a moving average of what was assigned to them; rare codes are re-seeded."""

    inited: Tensor
    cluster_size: Tensor
    embed: Tensor
    embed_avg: Tensor

    def __init__(self, codes: int, width: int, decay: float = 0.99, rare_below: float = 2.0) -> None:
        super().__init__()
        self.decay, self.rare_below = decay, rare_below
        start = torch.empty(codes, width)
        nn.init.kaiming_uniform_(start)
        self.register_buffer("inited", torch.zeros(1))
        self.register_buffer("cluster_size", torch.zeros(codes))
        self.register_buffer("embed", start)
        self.register_buffer("embed_avg", start.clone())

    def nearest(self, x: Tensor) -> Tensor:  # [n, D] -> [n]
        """Index of the nearest row (Euclid)."""
        distance = self.embed.pow(2).sum(1) - 2 * (x @ self.embed.t())
        return distance.argmin(dim=-1)

    @torch.no_grad()
    def seed(self, x: Tensor, iterations: int = 10) -> None:
        """Start from k-means over x [n, D]."""
        self.embed.copy_(self._samples(x))
        for _ in range(iterations):
            counts, sums = self._assign(x)
            means = sums / counts.clamp(min=1).unsqueeze(1)
            self.embed.copy_(torch.where(counts.unsqueeze(1) > 0, means, self.embed))
        counts, _ = self._assign(x)
        self.cluster_size.copy_(counts)
        self.embed_avg.copy_(self.embed * counts.unsqueeze(1))
        self.inited.fill_(1)

    @torch.no_grad()
    def update(self, x: Tensor) -> None:
        """One moving-average step towards x [n, D]."""
        rare = (self.cluster_size < self.rare_below).unsqueeze(1)
        counts, sums = self._assign(x)
        self.cluster_size.lerp_(counts, 1 - self.decay)
        self.embed_avg.lerp_(sums, 1 - self.decay)
        total = self.cluster_size.sum()
        smoothed = (self.cluster_size + 1e-5) / (total + len(counts) * 1e-5) * total
        self.embed.copy_(self.embed_avg / smoothed.unsqueeze(1))
        fresh = self._samples(x)
        self.embed.copy_(torch.where(rare, fresh, self.embed))
        self.embed_avg.copy_(torch.where(rare, fresh * self.rare_below, self.embed_avg))
        self.cluster_size.masked_fill_(rare[:, 0], self.rare_below)

    def _assign(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """How many rows went to each code, and their sum."""
        index = self.nearest(x)
        counts = torch.bincount(index, minlength=len(self.embed)).to(x.dtype)
        return counts, torch.zeros_like(self.embed).index_add_(0, index, x)

    def _samples(self, x: Tensor) -> Tensor:
        wanted = len(self.embed)
        enough = len(x) >= wanted
        pick = torch.randperm(len(x))[:wanted] if enough else torch.randint(len(x), (wanted,))
        return x[pick.to(x.device)]


class VectorQuantization(nn.Module):
    def __init__(self, config: QuantizerConfig) -> None:
        super().__init__()
        self._codebook = Codebook(config.codes, config.width)


class ResidualQuantization(nn.Module):
    """One layer deep in every GPT-SoVITS; the nesting only gives the checkpoint's key names."""

    def __init__(self, config: QuantizerConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList([VectorQuantization(config)])


class Quantizer(nn.Module):
    def __init__(self, config: QuantizerConfig) -> None:
        super().__init__()
        self.vq = ResidualQuantization(config)

    @property
    def codebook(self) -> Codebook:
        layer = self.vq.layers[0]
        assert isinstance(layer, VectorQuantization)
        return layer._codebook

    def encode(self, x: Tensor) -> Tensor:
        """Features [B, D, N] → codes [B, N]."""
        rows = x.transpose(1, 2)
        return self.codebook.nearest(rows.flatten(0, 1)).reshape(rows.shape[:2])

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, N] → vectors [B, D, N]."""
        return F.embedding(codes, self.codebook.embed).transpose(1, 2)

    def forward(self, x: Tensor) -> Quantized:
        """Quantise features [B, D, N]; in training mode the codebook follows them."""
        if self.training:
            self._follow(x.detach().float())
        codes = self.encode(x)
        vectors = self.decode(codes)
        commitment = F.mse_loss(x, vectors.detach())
        passed = x + (vectors - x).detach() if self.training else vectors
        return Quantized(passed, codes, commitment)

    def _follow(self, x: Tensor) -> None:
        rows = x.transpose(1, 2).flatten(0, 1)
        if not bool(self.codebook.inited):
            self.codebook.seed(rows)
        self.codebook.update(rows)
