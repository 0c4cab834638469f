"""The front of the whole table: no search can do better.

Losses of a candidate are the sums of its halves' (less the teacher's), so a non-dominated candidate is made
of two halves that are each non-dominated among their own kind: only those need be paired.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from autocompress.objectives import front_mask
from benchmarks.search.tabular import HALVES, losses_by_part

Losses = npt.NDArray[np.float64]


def true_front(table: Path, device: str) -> Losses:
    """Losses [n, 3] of the non-dominated candidates of the table: size, latency, loss of quality."""
    found = losses_by_part(table, device)
    gpt, sovits = (_front(np.vstack([found["teacher"], found[part]])) for part in HALVES)
    sums = (gpt[:, None, :] + sovits[None, :, :] - found["teacher"]).reshape(-1, gpt.shape[1])
    return _front(sums)


def _front(losses: Losses) -> Losses:
    """The non-dominated rows; halves that could not be scored left out."""
    scored = losses[np.isfinite(losses).all(axis=1)]
    return np.asarray(scored[front_mask(scored)])
