"""One candidate on its way up the rungs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from autocompress.objectives import Measurement, excess_by_key, holds
from autocompress.space import Candidate, Value
from autocompress.study.evaluation import Evaluation, Rung, Task

State = Literal["running", "complete", "infeasible", "failed"]


@dataclass(frozen=True)
class Trial:
    """``measurements`` of the highest rung so far win over those of lower ones."""

    number: int
    point: Mapping[str, Value]
    candidate: Candidate
    rung: Rung
    state: State
    measurements: Mapping[str, Measurement] = field(default_factory=dict)
    failure: str | None = None
    seconds: float = 0.0
    origin: str = ""

    def risen(self, rung: Rung, evaluation: Evaluation) -> "Trial":
        """The trial after ``evaluation`` at ``rung``."""
        return replace(
            self,
            rung=rung,
            state="failed" if evaluation.failure else "complete",
            measurements={**self.measurements, **evaluation.measurements},
            failure=evaluation.failure,
            seconds=self.seconds + evaluation.seconds,
        )

    def losses(self, task: Task) -> tuple[float, ...] | None:
        """Its losses; nothing when it failed, broke a budget or still runs."""
        return task.losses(self.measurements) if self.state == "complete" else None

    def excess(self, task: Task) -> dict[str, float]:
        return excess_by_key(task.constraints, self.measurements)

    def feasible(self, task: Task) -> bool:
        """Complete, and every bound measured and held."""
        return self.state == "complete" and holds(task.constraints, self.measurements)
