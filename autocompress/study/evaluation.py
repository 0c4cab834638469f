"""What one rung measured of one candidate, and the callable that a study receives to measure it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from autocompress.objectives import Constraint, Measurement, Objective
from autocompress.space import Candidate

Rung = Literal["free", "divergence", "speech", "distillation"]
RUNGS: tuple[Rung, ...] = ("free", "divergence", "speech", "distillation")
"""From the cheapest to the dearest. Size, latency and memory are free: counted or modelled, never run."""


@dataclass(frozen=True)
class Evaluation:
    """Measurements of one rung, or the reason why there are none; ``details`` go to the report unread."""

    measurements: Mapping[str, Measurement] = field(default_factory=dict)
    failure: str | None = None
    seconds: float = 0.0
    details: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def of(*measurements: Measurement, seconds: float = 0.0) -> "Evaluation":
        return Evaluation({m.key: m for m in measurements}, seconds=seconds)

    @staticmethod
    def failed(reason: str, seconds: float = 0.0) -> "Evaluation":
        return Evaluation(failure=reason, seconds=seconds)

    def to_json(self) -> str:
        fields = {
            "measurements": [m.to_dict() for m in self.measurements.values()],
            "failure": self.failure,
            "seconds": self.seconds,
            "details": dict(self.details),
        }
        return json.dumps(fields, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> "Evaluation":
        fields: dict[str, Any] = json.loads(text)
        seen = (Measurement.from_dict(m) for m in fields["measurements"])
        return Evaluation({m.key: m for m in seen}, fields["failure"], fields["seconds"], fields["details"])


class Evaluate(Protocol):
    """Measures ``candidate`` at ``rung``. With several workers it must be picklable.

    The rung ``free`` gives size, latency and memory within milliseconds; every other one the objectives that
    are not free. A candidate that cannot run, or gives NaN, is ``Evaluation.failed`` and never an exception.
    """

    def __call__(self, candidate: Candidate, rung: Rung, seed: int) -> Evaluation: ...


@dataclass(frozen=True)
class Task:
    """What a study minimises and what it has to hold."""

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...] = ()

    def losses(self, measurements: Mapping[str, Measurement]) -> tuple[float, ...] | None:
        """One loss an objective, or nothing while one is unmeasured."""
        if any(o.key not in measurements for o in self.objectives):
            return None
        return tuple(o.loss(measurements[o.key].value) for o in self.objectives)
