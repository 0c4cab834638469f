"""A plan for people: what was understood, whether it can be met, how long it takes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autocompress.planner import Extreme, Plan

_SHOWN = ("size_mb", "latency_s", "memory_mb")


def plan_text(plan: "Plan", *, brief: bool = False) -> str:
    """The request echoed in full, and the feasible region; ``brief`` leaves the region out."""
    lines = [plan.request.echo(), f"model        {plan.model.label}"]
    lines.append(f"space        {plan.space.name}: {plan.space.size:.3g} candidates")
    if brief:
        return "\n".join(lines)
    region = plan.region
    lines += ["", f"{'':10}" + "".join(f"{key:>26}" for key in _SHOWN)]
    for name in ("teacher", "smallest", "fastest"):
        lines.append(f"{name:10}{_row(getattr(region, name))}")
    lines += [
        "",
        _verdict(plan),
        f"expected time {_minutes(plan.expected_s)} ({plan.settings.trials or ''} candidates)",
    ]
    if region.unmeasured:
        lines.append(f"known only once heard: {', '.join(region.unmeasured)}")
    return "\n".join(lines)


def _verdict(plan: "Plan") -> str:
    from autocompress.planner.plan import infeasible_text

    if plan.feasible:
        return "feasible: some candidate holds every limit that can be counted, at 90 % confidence"
    return f"infeasible: {infeasible_text(plan)}"


def _row(extreme: "Extreme") -> str:
    cells = []
    for key in _SHOWN:
        seen = extreme.measurements[key]
        exact = seen.low == seen.high
        cells.append(
            f"{seen.value:.3g}" if exact else f"{seen.value:.3g} ({seen.low:.3g} to {seen.high:.3g})"
        )
    return "".join(f"{cell:>26}" for cell in cells)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
