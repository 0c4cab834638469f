"""Bounds on quantities, held at a confidence rather than at the median."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autocompress.objectives.measurement import Measurement
from autocompress.objectives.quantities import Direction, known_quantity


@dataclass(frozen=True)
class Constraint:
    """``key`` must stay below (``side="max"``) or above (``side="min"``) ``limit``.

    It holds when the measurement's one-sided bound at ``confidence`` holds it.
    """

    key: str
    side: Direction
    limit: float
    confidence: float = 0.9

    def __post_init__(self) -> None:
        known_quantity(self.key)
        if self.side not in ("min", "max"):
            raise ValueError(f"side of the bound on {self.key} must be 'min' or 'max', got {self.side!r}")
        if not math.isfinite(self.limit):
            raise ValueError(f"limit of {self.key} must be a finite number, got {self.limit}")
        if not 0.5 <= self.confidence < 1.0:
            raise ValueError(f"confidence of {self.key} must lie in [0.5, 1), got {self.confidence}")

    def excess(self, measurement: Measurement) -> float:
        """How far the bound is broken, relative to the limit; zero or less means that it holds."""
        scale = abs(self.limit) or 1.0
        if self.side == "max":
            return (measurement.upper(self.confidence) - self.limit) / scale
        return (self.limit - measurement.lower(self.confidence)) / scale

    def holds(self, measurement: Measurement) -> bool:
        """Whether the bound holds at the constraint's confidence."""
        return self.excess(measurement) <= 0.0

    def __str__(self) -> str:
        return f"{self.key} {'<=' if self.side == 'max' else '>='} {self.limit:g}"


def excess_by_key(
    constraints: Iterable[Constraint], measurements: Mapping[str, Measurement]
) -> dict[str, float]:
    """Excess of every constraint whose quantity has been measured; the others are left out."""
    return {f"{c.key}:{c.side}": c.excess(measurements[c.key]) for c in constraints if c.key in measurements}


def holds(constraints: Iterable[Constraint], measurements: Mapping[str, Measurement]) -> bool:
    """Whether every constraint is measured and holds; an unmeasured one does not hold."""
    return all(c.key in measurements and c.holds(measurements[c.key]) for c in constraints)


def total_excess(constraints: Iterable[Constraint], measurements: Mapping[str, Measurement]) -> float:
    """Sum of the broken constraints' excesses; 0 when none is known to be broken."""
    return sum(max(0.0, x) for x in excess_by_key(constraints, measurements).values())
