"""The seam of all scores: a metric reads one subject and gives a number, or the reason why there is none.

A candidate that says nothing, or NaN, has failed: its reading carries the reason, and counts as the metric's
worst value in every mean, so that no failure can raise a score.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from autocompress.errors import AudioError

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric on one subject; ``failure`` says why the value is only the metric's worst."""

    value: float
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Metric(Generic[Subject]):
    """A named score with its direction, its worst value and how to compute it.

    ``fault`` says why a subject cannot be scored, ``compute`` scores it; ``extra`` is the optional part of
    this package that it needs; ``cost_s`` is about how long one subject of 3 s takes on one thread. A
    ``relative`` metric measures the distance from the teacher, who has none to himself.
    """

    name: str
    unit: str
    worst: float
    cost_s: float
    fault: Callable[[Subject], str | None]
    compute: Callable[[Subject], float]
    higher_is_better: bool = False
    relative: bool = False
    extra: str | None = None

    def read(self, subject: Subject) -> Reading:
        """Score ``subject``; never NaN, and never better than a failure when it is worse than ``worst``."""
        fault = self.fault(subject)
        if fault is not None:
            return Reading(self.worst, fault)
        try:
            value = float(self.compute(subject))
        except AudioError as error:
            return Reading(self.worst, str(error))
        if not math.isfinite(value):
            return Reading(self.worst, f"{self.name} came out as {value}")
        return Reading(self.no_worse(value))

    def no_worse(self, value: float) -> float:
        """``value``, or ``worst`` when that is better."""
        return max(value, self.worst) if self.higher_is_better else min(value, self.worst)
