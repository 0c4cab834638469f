"""The feasible region: the smallest, the fastest and the nearest point of a space, by what is free to count.

Each is found by coordinate descent from the far end of the space: one choice at a time takes the option that
costs least. Costs of choices hardly interact, so one or two rounds arrive; a search may still find better.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autocompress.objectives import Constraint, Measurement
from autocompress.space import Candidate, SearchSpace, Value

Cost = Callable[[Candidate], Mapping[str, Measurement]]
"""What is free to count of a candidate: size, latency, memory."""

Score = Callable[[Mapping[str, Measurement]], float]
Coordinates = dict[str, Value]
_ROUNDS = 2


@dataclass(frozen=True)
class Extreme:
    """A point of the space and what it costs."""

    point: Mapping[str, Value]
    measurements: Mapping[str, Measurement]

    def to_dict(self) -> dict[str, Any]:
        return {
            "point": dict(self.point),
            "measurements": {key: m.to_dict() for key, m in self.measurements.items()},
        }


@dataclass(frozen=True)
class Relaxation:
    """The limit that ``key`` would need, all other limits kept; None when that alone is not enough."""

    key: str
    limit: float
    needed: float | None


@dataclass(frozen=True)
class FeasibleRegion:
    """``nearest`` breaks the bounds least; ``binding`` names those that it breaks.

    ``unmeasured`` bounds (similarity, MOS, …) are known only after speech has been heard.
    """

    teacher: Extreme
    smallest: Extreme
    fastest: Extreme
    nearest: Extreme
    binding: tuple[str, ...]
    relaxations: tuple[Relaxation, ...]
    unmeasured: tuple[str, ...]

    @property
    def feasible(self) -> bool:
        """Whether some point holds every bound that can be counted."""
        return not self.binding

    def to_dict(self) -> dict[str, Any]:
        extremes = {
            name: getattr(self, name).to_dict() for name in ("teacher", "smallest", "fastest", "nearest")
        }
        return extremes | {
            "binding": list(self.binding),
            "relaxations": [vars(relaxation) for relaxation in self.relaxations],
            "unmeasured": list(self.unmeasured),
        }


def explore(space: SearchSpace, cost: Cost, constraints: Sequence[Constraint]) -> FeasibleRegion:
    """Find the extremes of ``space``, and what it would take to hold ``constraints``."""
    walk = _Walk(space, cost)
    teacher = Extreme({}, cost(Candidate()))
    counted = [c for c in constraints if c.key in teacher.measurements]
    smallest = walk.descend(walk.far_end(), lambda seen: seen["size_mb"].value)
    fastest = walk.descend(walk.far_end(), lambda seen: seen["latency_s"].value)
    nearest = min((teacher, smallest, fastest), key=lambda e: _excess(counted, e.measurements))
    if _excess(counted, nearest.measurements) > 0:
        nearest = walk.descend(dict(nearest.point), lambda seen: _excess(counted, seen))
    binding = tuple(c.key for c in counted if not c.holds(nearest.measurements[c.key]))
    relaxed = tuple(_relaxation(walk, nearest, c, counted) for c in counted if c.key in binding)
    unmeasured = tuple(c.key for c in constraints if c.key not in teacher.measurements)
    return FeasibleRegion(teacher, smallest, fastest, nearest, binding, relaxed, unmeasured)


class _Walk:
    """Coordinate descent over one space; every candidate is counted once."""

    def __init__(self, space: SearchSpace, cost: Cost) -> None:
        self.space = space
        self._cost = cost
        self._seen: dict[str, Mapping[str, Measurement]] = {}

    def far_end(self) -> Coordinates:
        return self.space.repair({c.name: c.options[-1] for c in self.space.choices})

    def descend(self, start: Coordinates, score: Score) -> Extreme:
        """The point where no single choice lowers ``score``, or the last of a bounded number of rounds."""
        point = self.space.repair(start)
        best = score(self.measured(point))
        for _ in range(_ROUNDS):
            before = best
            for choice in self.space.free:
                point, best = self._improved(point, best, choice.name, choice.options, score)
            if best >= before:
                break
        return Extreme(point, self.measured(point))

    def measured(self, point: Coordinates) -> Mapping[str, Measurement]:
        candidate = self.space.unguarded(point)  # repaired already: nothing is left to guard
        if candidate.id not in self._seen:
            self._seen[candidate.id] = self._cost(candidate)
        return self._seen[candidate.id]

    def _improved(
        self, point: Coordinates, best: float, name: str, options: Sequence[Value], score: Score
    ) -> tuple[Coordinates, float]:
        if name not in point or best <= 0.0:
            return point, best
        for option in (o for o in options if o != point[name]):
            tried = self.space.repair({**point, name: option})
            value = score(self.measured(tried))
            if value < best:
                point, best = tried, value
        return point, best


def _relaxation(
    walk: _Walk, nearest: Extreme, constraint: Constraint, all_constraints: Sequence[Constraint]
) -> Relaxation:
    """How low ``constraint`` can be pressed while the others hold."""
    others = [c for c in all_constraints if c is not constraint]

    def score(seen: Mapping[str, Measurement]) -> float:
        return 100.0 * _excess(others, seen) + 1.0 + constraint.excess(seen[constraint.key])

    found = walk.descend(dict(nearest.point), score).measurements
    if _excess(others, found) > 0:
        return Relaxation(constraint.key, constraint.limit, None)
    return Relaxation(constraint.key, constraint.limit, _bound(constraint, found[constraint.key]))


def _bound(constraint: Constraint, seen: Measurement) -> float:
    return (
        seen.upper(constraint.confidence) if constraint.side == "max" else seen.lower(constraint.confidence)
    )


def _excess(constraints: Sequence[Constraint], seen: Mapping[str, Measurement]) -> float:
    return sum(max(0.0, c.excess(seen[c.key])) for c in constraints)
