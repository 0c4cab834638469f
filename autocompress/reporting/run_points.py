"""The points of a run: its front, its nearest miss, and every other trial, dressed with all that is known."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autocompress.objectives import Measurement
from autocompress.reporting.data import Point, Standing
from autocompress.reporting.run_audio import EmbeddedClips
from autocompress.reporting.schedule import Dimensions, schedule_rows
from autocompress.study.run_store import saved_trials
from autocompress.study.trial import Trial

Costs = Mapping[str, Mapping[str, float]]
_OTHER_TRIALS = 2000  # beaten points that a page still draws quickly


def read_points(
    run: Path, front: Mapping[str, Any], costs: Mapping[str, Costs], clips: EmbeddedClips
) -> tuple[Point, ...]:
    """The front by its picks, the nearest where nothing fits, then every candidate that is beaten."""
    picks: dict[int, list[str]] = {}
    for name, number in front["picks"].items():
        picks.setdefault(number, []).append(name)
    on_front = [_front_point(row, "front", tuple(picks.get(row["number"], ()))) for row in front["trials"]]
    nearest = [_front_point(front["nearest"], "nearest", ())] if front["nearest"] else []
    shown = {point.candidate for point in (*on_front, *nearest)}
    others = [_trial_point(t) for t in _other_trials(run) if t.candidate.id not in shown]
    sizes = dimensions_of(front)
    return tuple(_dressed(p, sizes, costs, clips) for p in (*on_front, *nearest, *others))


def dimensions_of(front: Mapping[str, Any]) -> Dimensions:
    """The teacher's sizes."""
    return dict(front["provenance"].get("dimensions", {}))


def measurements_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Measurement]:
    return {m.key: m for m in map(Measurement.from_dict, rows)}


def _front_point(row: Mapping[str, Any], standing: Standing, picks: tuple[str, ...]) -> Point:
    return Point(
        number=row["number"],
        candidate=row["candidate"]["id"],
        standing=standing,
        measurements=measurements_of(row["measurements"].values()),
        rung=row["rung"],
        origin=row["origin"],
        picks=picks,
        decisions=row["candidate"]["values"],
    )


def _other_trials(run: Path) -> list[Trial]:
    """Trials of the run's own store, each candidate once; none when it is kept elsewhere."""
    unique = {t.candidate.id: t for t in saved_trials(run) if t.state != "running"}
    return list(unique.values())[-_OTHER_TRIALS:]


def _trial_point(trial: Trial) -> Point:
    standings: dict[str, Standing] = {"infeasible": "infeasible", "failed": "failed"}
    return Point(
        number=trial.number,
        candidate=trial.candidate.id,
        standing=standings.get(trial.state, "other"),
        measurements=trial.measurements,
        rung=trial.rung,
        origin=trial.origin,
        failure=trial.failure,
        decisions=dict(trial.candidate.values),
    )


def _dressed(
    point: Point,
    dimensions: Dimensions,
    costs: Mapping[str, Costs],
    clips: EmbeddedClips,
) -> Point:
    """The point with its schedule, costs and clips."""
    fields = vars(point) | {
        "schedule": schedule_rows(point.decisions, dimensions)
        if point.standing in ("front", "nearest")
        else (),
        "costs": costs.get(point.candidate, {}),
        "clips": clips.of(point.candidate),
    }
    return Point(**fields)
