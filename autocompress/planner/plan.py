"""The plan: a request turned into a search, frozen and saved before anything heavy runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autocompress.errors import InfeasibleError
from autocompress.objectives import DEFAULT_OBJECTIVES, Constraint, Objective
from autocompress.planner.region import Cost, Extreme, FeasibleRegion, explore
from autocompress.request import QUANTITIES, Request
from autocompress.space import SearchSpace

SCHEMA_VERSION = 1
CONFIDENCE = 0.9


@dataclass(frozen=True)
class ModelChoice:
    """The teacher: a packaged model by its ``name``, or upstream's files."""

    name: str | None = "reference"
    gpt: str | None = None
    sovits: str | None = None
    voices: str | None = None
    vocoder: str | None = None

    @property
    def label(self) -> str:
        return self.name or Path(self.gpt or "").stem

    def to_dict(self) -> dict[str, str]:
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class SearchSettings:
    """How to search; one of ``trials`` and ``seconds`` ends it.

    ``speech`` adds the rung that listens, ``distillation`` the one that trains the best for a moment first.
    """

    trials: int | None = 60
    seconds: float | None = None
    seed: int = 0
    sampler: str = "auto"
    workers: int = 1
    storage: str | None = None
    speech: bool = True
    distillation: bool = False


@dataclass(frozen=True)
class Plan:
    """What will be searched, by what it is judged, and what is known before the first evaluation."""

    request: Request
    model: ModelChoice
    space: SearchSpace = field(repr=False)
    constraints: tuple[Constraint, ...]
    region: FeasibleRegion = field(repr=False)
    settings: SearchSettings
    objectives: tuple[Objective, ...] = DEFAULT_OBJECTIVES
    expected_s: float = 0.0
    teacher: Any = field(default=None, repr=False, compare=False)  # a loaded one, where the caller has it

    @property
    def feasible(self) -> bool:
        return self.region.feasible

    @property
    def rungs(self) -> tuple[str, ...]:
        """Quality rungs, cheapest first."""
        heard = ("speech",) if self.settings.speech else ()
        return ("divergence", *heard, *(("distillation",) if self.settings.distillation else ()))

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "request": str(self.request),
            "device": self.request.device,
            "constraints": self.request.constraints,
            "confidence": CONFIDENCE,
            "model": self.model.label,
            "model_files": self.model.to_dict(),
            "feasible": self.feasible,
            "space": {"name": self.space.name, "size": str(self.space.size), "choices": len(self.space.free)},
            "objectives": [objective.key for objective in self.objectives],
            "rungs": ["free", *self.rungs],
            "region": self.region.to_dict(),
            "settings": asdict(self.settings),
            "expected_s": self.expected_s,
        }

    def save(self, path: Path) -> None:
        """``plan.json``, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(json.dumps(self.to_dict(), indent=1), "utf-8")
        draft.replace(path)

    def require_feasible(self) -> None:
        """Raise InfeasibleError with the nearest point and what each relaxation would buy."""
        if not self.feasible:
            raise InfeasibleError(infeasible_text(self), self.region.to_dict())


def make_plan(
    request: Request,
    model: ModelChoice,
    space: SearchSpace,
    cost: Cost,
    settings: SearchSettings,
    seconds_by_rung: Mapping[str, float] | None = None,
    teacher: Any = None,
) -> Plan:
    """The plan of a search; counts candidates and runs nothing."""
    bounds = constraints_of(request)
    region = explore(space, cost, bounds)
    expected = expected_seconds(settings, seconds_by_rung or {})
    return Plan(request, model, space, bounds, region, settings, expected_s=expected, teacher=teacher)


def constraints_of(request: Request) -> tuple[Constraint, ...]:
    """The request's limits as constraints that hold at the planned confidence."""
    return tuple(
        Constraint(key, QUANTITIES[key].bound, limit, CONFIDENCE) for key, limit in request.limits.items()
    )


def expected_seconds(settings: SearchSettings, seconds_by_rung: Mapping[str, float]) -> float:
    """Wall clock of a search: every candidate at the first rung, a third and the finalists at the next."""
    if settings.seconds is not None:
        return settings.seconds
    trials = settings.trials or 0
    speech = (trials / 3 + 12) * seconds_by_rung.get("speech", 0.0) if settings.speech else 0.0
    each = seconds_by_rung.get("distillation", 0.0)
    distilled = (trials / 9 + 6) * each if settings.distillation else 0.0
    return (trials * seconds_by_rung.get("divergence", 0.0) + speech + distilled) / settings.workers


def infeasible_text(plan: Plan) -> str:
    """Which bounds cannot be held, the nearest point, and what relaxing each alone takes."""
    asked = " ".join(str(c) for c in plan.constraints)
    lines = [
        f"no candidate of space {plan.space.name!r} holds {asked} on {plan.request.device}.",
        f"The nearest: {_costs(plan.region.nearest, plan.constraints)} ({_words(plan.region.nearest)}).",
    ]
    for relaxation in plan.region.relaxations:
        enough = (
            f"would have to be {relaxation.needed:.3g}, the other limits kept"
            if relaxation.needed is not None
            else "is not enough alone"
        )
        lines.append(f"Relaxing {relaxation.key} (asked {relaxation.limit:g}): {enough}.")
    return "\n".join(lines)


def _costs(extreme: Extreme, constraints: Sequence[Constraint]) -> str:
    seen = extreme.measurements
    return ", ".join(
        f"{c.key} {seen[c.key].value:.3g} ({seen[c.key].low:.3g} to {seen[c.key].high:.3g})"
        for c in constraints
        if c.key in seen
    )


def _words(extreme: Extreme) -> str:
    changed = [f"{name}={value}" for name, value in extreme.point.items()]
    return (
        ", ".join(changed[:4]) + (f" and {len(changed) - 4} more" if len(changed) > 4 else "")
        or "the teacher"
    )
