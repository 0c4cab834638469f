"""Staged evaluation: cheap measurements first, and no further once a budget is broken."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from autocompress.errors import MalformedError
from autocompress.metrics.score import Score
from autocompress.objectives import Constraint, Measurement


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the evaluation; ``measure`` is called only when no earlier stage broke a budget."""

    name: str
    measure: Callable[[], Iterable[Measurement]]


@dataclass(frozen=True, slots=True)
class StagedResult:
    """What was measured until the end or until the first stage that broke a budget.

    ``seconds`` holds the stages that ran, in order; ``skipped`` those that a broken budget saved.
    """

    measurements: Mapping[str, Measurement]
    seconds: Mapping[str, float]
    broken: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def within_budget(self) -> bool:
        """Whether every stage ran and every budget that was measured holds."""
        return not self.broken


def evaluate_in_stages(stages: Sequence[Stage], constraints: Sequence[Constraint]) -> StagedResult:
    """Run ``stages`` in order until one breaks a constraint on what it measured."""
    measured: dict[str, Measurement] = {}
    seconds: dict[str, float] = {}
    for position, stage in enumerate(stages):
        started = time.perf_counter()
        fresh = {measurement.key: measurement for measurement in stage.measure()}
        seconds[stage.name] = time.perf_counter() - started
        measured |= fresh
        broken = tuple(
            _explained(c, fresh[c.key]) for c in constraints if c.key in fresh and not c.holds(fresh[c.key])
        )
        if broken:
            return StagedResult(
                measured, seconds, broken, tuple(later.name for later in stages[position + 1 :])
            )
    return StagedResult(measured, seconds, (), ())


def as_measurement(score: Score, key: str | None = None) -> Measurement:
    """A score as the measurement that budgets and objectives speak of; ``key`` renames it."""
    if score.n_sentences < 2:
        raise MalformedError(
            f"Measuring {score.metric}: one sentence gives no interval. Evaluate at least two sentences."
        )
    estimate = score.estimate
    low, high = min(estimate.low, estimate.value), max(estimate.high, estimate.value)
    return Measurement(key or score.metric, estimate.value, low, high, "measured", estimate.confidence)


def _explained(constraint: Constraint, measurement: Measurement) -> str:
    bound = measurement.upper if constraint.side == "max" else measurement.lower
    return (
        f"{constraint}: measured {measurement.value:.4g} ({measurement.source}), "
        f"{bound(constraint.confidence):.4g} at {constraint.confidence:.0%} confidence"
    )
