"""What one would try by hand: one precision everywhere, or int8 and then the same cut everywhere."""

from collections.abc import Callable

import numpy as np

from autocompress.space import Point, SearchSpace
from autocompress.study import Evaluate, Task

_STEPS = 30  # of the even cut, from nothing to the smallest widths


def uniform(space: SearchSpace, bits: str) -> list[Point]:
    """Every part stored in ``bits`` (or in the fewest its choice allows)."""
    storage = [c for c in space.choices if c.role == "storage"]
    return [{c.name: bits if bits in c.options else c.options[-1] for c in storage}]


def pruned_evenly(space: SearchSpace) -> list[Point]:
    """int8 everywhere, then every width, depth and kernel cut by the same share, step by step."""
    (base,) = uniform(space, "int8")
    cut = [c for c in space.free if c.ordered and c.role not in ("storage", "recipe")]
    return [
        {**base} | {c.name: c.options[round(share * (len(c.options) - 1))] for c in cut}
        for share in np.linspace(0.0, 1.0, _STEPS)
    ]


RECIPES: dict[str, Callable[[SearchSpace], list[Point]]] = {
    "uniform-int8": lambda space: uniform(space, "int8"),
    "uniform-int4": lambda space: uniform(space, "int4"),
    "int8-then-prune-evenly": pruned_evenly,
}


def losses_of(
    points: list[Point], space: SearchSpace, evaluate: Evaluate, task: Task
) -> list[tuple[float, ...]]:
    """Losses of points that nobody searched for, each distinct candidate once."""
    candidates = {c.id: c for c in (space.candidate(space.repair(point)) for point in points)}
    seen = []
    for candidate in candidates.values():
        free, quality = (evaluate(candidate, rung, 0).measurements for rung in ("free", "divergence"))
        seen.append(task.losses({**free, **quality}))
    return [losses for losses in seen if losses is not None]
