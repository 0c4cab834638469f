"""A codebook for semantic tokens: seeded k-means (Lloyd) over content features."""

import torch
from torch import Tensor


def nearest_code(points: Tensor, centres: Tensor, chunk: int = 32_768) -> Tensor:
    """Index of the nearest centre (Euclid) for each row; points [N, D], centres [K, D] → int64 [N]."""
    half_norm = centres.pow(2).sum(1) / 2
    return torch.cat([(part @ centres.T - half_norm).argmax(1) for part in torch.split(points, chunk)])


def fit_codebook(points: Tensor, n_codes: int, seed: int, rounds: int = 25) -> Tensor:
    """Centres [n_codes, D] of ``points`` [N, D]; a code that loses its points restarts at a random one."""
    generator = torch.Generator().manual_seed(seed)
    centres = points[torch.randperm(len(points), generator=generator)[:n_codes]].clone()
    for _ in range(rounds):
        codes = nearest_code(points, centres)
        counts = torch.bincount(codes, minlength=n_codes)
        sums = torch.zeros_like(centres).index_add_(0, codes, points)
        centres = sums / counts.clamp(min=1)[:, None]
        empty = counts == 0
        restart = torch.randint(len(points), (int(empty.sum()),), generator=generator)
        centres[empty] = points[restart]
    return centres


def perplexity(codes: Tensor, n_codes: int) -> float:
    """Effective number of codes in use: exp of the entropy of their frequencies."""
    share = torch.bincount(codes, minlength=n_codes).double() / codes.numel()
    share = share[share > 0]
    return float(torch.exp(-(share * share.log()).sum()))
