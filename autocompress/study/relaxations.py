"""What relaxing one limit would buy, by the candidates that a search has measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autocompress.objectives import Constraint, Measurement, holds
from autocompress.study.trial import Trial


@dataclass(frozen=True)
class Relaxed:
    """``trial`` holds ``key`` at ``needed`` instead of ``limit`` and every other limit; None: none does."""

    key: str
    side: str
    limit: float
    needed: float | None
    trial: int | None

    def __str__(self) -> str:
        sign = "<=" if self.side == "max" else ">="
        if self.needed is None:
            return f"{self.key} (asked {sign} {self.limit:g}): relaxing it alone is not enough"
        return f"{self.key} {sign} {self.needed:.3g} (asked {self.limit:g}): trial {self.trial} would hold"


def relaxations(trials: Iterable[Trial], constraints: Sequence[Constraint]) -> tuple[Relaxed, ...]:
    """For each limit the mildest one that a measured candidate holds together with all others."""
    measured = [t for t in trials if t.measurements and t.state in ("complete", "infeasible")]
    return tuple(_relaxed(c, [o for o in constraints if o != c], measured) for c in constraints)


def _relaxed(constraint: Constraint, others: Sequence[Constraint], trials: Sequence[Trial]) -> Relaxed:
    able = [t for t in trials if constraint.key in t.measurements and holds(others, t.measurements)]
    best = min(able, key=lambda t: constraint.excess(t.measurements[constraint.key]), default=None)
    needed = None if best is None else _bound(constraint, best.measurements[constraint.key])
    number = None if best is None else best.number
    return Relaxed(constraint.key, constraint.side, constraint.limit, needed, number)


def _bound(constraint: Constraint, seen: Measurement) -> float:
    """The limit that this measurement just holds at the constraint's confidence."""
    bound = seen.upper if constraint.side == "max" else seen.lower
    return bound(constraint.confidence)
