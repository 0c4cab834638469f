"""The result of a search: feasible non-dominated trials, the picks among them, and their files."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autocompress.errors import InfeasibleError
from autocompress.objectives import Measurement, hypervolume, knee_index, total_excess
from autocompress.study.evaluation import Task
from autocompress.study.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
PICKS = ("best", "knee", "smallest", "fastest")


@dataclass(frozen=True)
class Front:
    """Feasible non-dominated ``trials`` by size, the teacher's own values, and where all of it comes from.

    ``reference`` is the hypervolume's corner, one loss an objective; ``history`` its growth by evaluations.
    ``nearest`` is the trial that comes closest to the bounds when none holds them.
    """

    task: Task
    trials: tuple[Trial, ...]
    teacher: Mapping[str, Measurement]
    reference: tuple[float, ...]
    history: tuple[tuple[int, float], ...] = ()
    nearest: Trial | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def losses(self) -> list[tuple[float, ...]]:
        return [self._losses(t) for t in self.trials]

    @property
    def hypervolume(self) -> float:
        return hypervolume(self.losses, self.reference)

    def knee(self) -> Trial:
        """The best trade between the objectives."""
        self._refuse_empty()
        return self.trials[knee_index(self.losses)]

    def best(self) -> Trial:
        """The highest quality that holds every bound at its confidence; the smaller one of equals."""
        self._refuse_empty()
        quality = [i for i, o in enumerate(self.task.objectives) if o.key not in _FREE_KEYS]
        return min(
            self.trials, key=lambda t: ([self._losses(t)[i] for i in quality], self._losses(t), t.number)
        )

    def smallest(self) -> Trial:
        return self._least("size_mb")

    def fastest(self) -> Trial:
        return self._least("latency_s")

    def pick(self, name: str) -> Trial:
        """A pick by its name, or a trial by its number."""
        if name in PICKS:
            return {"best": self.best, "knee": self.knee, "smallest": self.smallest, "fastest": self.fastest}[
                name
            ]()
        found = [t for t in self.trials if str(t.number) == name or t.candidate.id == name]
        if not found:
            numbers = ", ".join(str(t.number) for t in self.trials)
            raise InfeasibleError(
                f"no trial {name!r} on the front. Give one of {', '.join(PICKS)}, or {numbers}."
            )
        return found[0]

    def to_pandas(self) -> "pd.DataFrame":
        """One row a trial: number, id, every measurement with its interval, every decision of its point."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def rows(self) -> list[dict[str, Any]]:
        return [self._row(t) for t in self.trials]

    def to_csv(self) -> str:
        """The rows as comma-separated values, numbers in full precision."""
        rows = self.rows()
        names = list(dict.fromkeys(name for row in rows for name in row)) or ["number", "candidate"]
        out = io.StringIO()
        writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "objectives": [{"key": o.key, "better": o.better} for o in self.task.objectives],
            "constraints": [
                {"key": c.key, c.side: c.limit, "confidence": c.confidence} for c in self.task.constraints
            ],
            "reference": list(self.reference),
            "hypervolume": self.hypervolume,
            "hypervolume_history": [list(step) for step in self.history],
            "teacher": {key: m.to_dict() for key, m in self.teacher.items()},
            "picks": {name: self.pick(name).number for name in PICKS} if self.trials else {},
            "trials": [_trial_dict(t) for t in self.trials],
            "nearest": None if self.nearest is None else self._nearest_dict(self.nearest),
            "provenance": dict(self.provenance),
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=1)

    def _least(self, key: str) -> Trial:
        self._refuse_empty()
        return min(self.trials, key=lambda t: (t.measurements[key].value, self._losses(t), t.number))

    def _losses(self, trial: Trial) -> tuple[float, ...]:
        losses = trial.losses(self.task)
        assert losses is not None, "a front holds complete trials only"
        return losses

    def _row(self, trial: Trial) -> dict[str, Any]:
        row: dict[str, Any] = {"number": trial.number, "candidate": trial.candidate.id, "rung": trial.rung}
        for key, seen in trial.measurements.items():
            row |= {
                key: seen.value,
                f"{key}_low": seen.low,
                f"{key}_high": seen.high,
                f"{key}_source": seen.source,
            }
        return row | dict(trial.point)

    def _nearest_dict(self, trial: Trial) -> dict[str, Any]:
        return _trial_dict(trial) | {"excess": trial.excess(self.task)}

    def _refuse_empty(self) -> None:
        if self.trials:
            return
        bounds = ", ".join(str(c) for c in self.task.constraints) or "no bound"
        near = self.nearest
        if near is None:
            raise InfeasibleError(f"no candidate ran successfully under {bounds}. See the trials' failures.")
        broken = {k: v for k, v in near.excess(self.task).items() if v > 0.0}
        over = ", ".join(f"{key.split(':')[0]} misses by {100 * x:.1f} %" for key, x in broken.items())
        raise InfeasibleError(
            f"no candidate holds {bounds}. The nearest is trial {near.number} ({near.candidate.id}): {over}. "
            "Relax what it misses, or lift a floor of the space."
        )


_FREE_KEYS = frozenset({"size_mb", "latency_s", "first_audio_s", "rtf", "memory_mb"})


def nearest_trial(trials: Sequence[Trial], task: Task) -> Trial | None:
    """The trial with the smallest total excess over the bounds; the earlier one of equals."""
    ran = [t for t in trials if t.measurements and t.state in ("complete", "infeasible")]
    return min(ran, key=lambda t: (total_excess(task.constraints, t.measurements), t.number), default=None)


def _trial_dict(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "candidate": trial.candidate.to_dict(),
        "point": dict(trial.point),
        "rung": trial.rung,
        "measurements": {key: m.to_dict() for key, m in trial.measurements.items()},
        "origin": trial.origin,
    }
