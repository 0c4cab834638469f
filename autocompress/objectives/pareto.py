"""Dominance, fronts, ranks, knee and hypervolume. Every array holds losses: smaller is better."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Losses = npt.NDArray[np.float64]  # [n_points, n_objectives]


def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether ``a`` is nowhere worse than ``b`` and somewhere better."""
    pairs = list(zip(a, b, strict=True))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def front_mask(losses: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which rows are non-dominated; of equal rows only the first counts."""
    points = _points(losses)
    if len(points) == 0:
        return np.zeros(0, dtype=bool)
    import moocore

    return np.asarray(moocore.is_nondominated(points), dtype=bool)


def pareto_ranks(losses: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Layer of each row in non-dominated sorting: 0 is the front, 1 the front without it, and so on."""
    points = _points(losses)
    if len(points) == 0:
        return np.zeros(0, dtype=np.int64)
    import moocore

    return np.asarray(moocore.pareto_rank(points), dtype=np.int64)


def hypervolume(losses: npt.ArrayLike, reference: npt.ArrayLike) -> float:
    """Volume dominated by the rows and bounded by ``reference``; rows beyond it add nothing."""
    points = _points(losses)
    inside = points[(points < np.asarray(reference)).all(axis=1)] if len(points) else points
    if len(inside) == 0:
        return 0.0
    import moocore

    return float(moocore.hypervolume(inside, ref=np.asarray(reference, dtype=np.float64)))


def knee_index(losses: npt.ArrayLike) -> int:
    """Row of the best trade: on axes scaled to the front's own span, the smallest sum of losses.

    In two dimensions that is the point farthest below the line through the front's two ends. Dominated rows
    are never chosen; among equal sums the first row wins.
    """
    points = _points(losses)
    if len(points) == 0:
        raise ValueError("a knee needs at least one point, got none")
    rows = np.flatnonzero(front_mask(points))
    front = points[rows]
    span = np.ptp(front, axis=0)
    scaled = (front - front.min(axis=0)) / np.where(span > 0, span, 1.0)
    return int(rows[np.argmin(scaled.sum(axis=1))])


def _points(losses: npt.ArrayLike) -> Losses:
    points = np.asarray(losses, dtype=np.float64)
    if points.size == 0:
        return points.reshape(0, points.shape[-1] if points.ndim == 2 else 0)
    if points.ndim != 2:
        raise ValueError(f"losses must be [n_points, n_objectives], got shape {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("losses must be finite; leave failed candidates out")
    return points
