"""Reads a finished or interrupted run folder into :class:`ReportData`: nothing else knows its files.

Only ``front.json`` must be there. What else is found is shown: ``plan.json`` (the request), ``store.db``
(all other trials), ``costs.json``, ``sensitivity.json``, ``clips/``, ``bundle/manifest.json``, and the
training logs that ``curves`` names.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autocompress.errors import RunError
from autocompress.objectives import Constraint
from autocompress.objectives.quantities import Direction
from autocompress.reporting.clips import TEACHER
from autocompress.reporting.curves import read_curves
from autocompress.reporting.data import ReportData, SensitivityCell
from autocompress.reporting.run_audio import read_audio, read_voices
from autocompress.reporting.run_bundle import (
    delivered_candidate,
    read_deliveries,
    read_manifest,
    read_provenance,
)
from autocompress.reporting.run_points import dimensions_of, measurements_of, read_points
from autocompress.reporting.schedule import schedule_rows
from autocompress.study.front_file import read_front, read_object

CLIPS_BUDGET_BYTES = 8_000_000  # plotly takes 4.8 MB of the page's 15
_VOICES_SHARE = 0.2  # of it goes to a clip of every voice


def read_run(
    run: Path, bundle: Path | None = None, clips_budget_bytes: int = CLIPS_BUDGET_BYTES
) -> ReportData:
    """Everything that a report shows of ``run``; ``bundle`` is ``run / "bundle"`` unless given."""
    front = read_front(run)
    try:
        return _read(run, front, bundle, clips_budget_bytes)
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"a file of {run} is damaged: {type(error).__name__} {error}. Run the same search again."
        ) from error


def _read(run: Path, front: Mapping[str, Any], bundle: Path | None, clips_budget_bytes: int) -> ReportData:
    manifest = read_manifest(bundle or run / "bundle", asked=bundle is not None)
    voices, voice_clips, voices_text = read_voices(run, int(_VOICES_SHARE * clips_budget_bytes))
    spoken_bytes = sum(map(len, voice_clips.values()))
    clips = read_audio(run, front, clips_budget_bytes - spoken_bytes)
    costs, plan = _optional(run / "costs.json"), _optional(run / "plan.json")
    sensitivity = _optional(run / "sensitivity.json")
    points = read_points(run, front, costs, clips)
    return ReportData(
        title=run.resolve().name,
        request=str(plan.get("request", "")),
        objectives=tuple(o["key"] for o in front["objectives"]),
        constraints=_constraints(front),
        points=points,
        teacher=measurements_of(front["teacher"].values()),
        teacher_costs=costs.get(TEACHER, {}),
        teacher_schedule=schedule_rows({}, dimensions_of(front)),
        history=tuple((int(n), float(v)) for n, v in front["hypervolume_history"]),
        reference=tuple(front["reference"]),
        sentences=clips.sentences(),
        clips=clips.by_name() | voice_clips,
        voices=voices,
        voices_text=voices_text,
        sensitivity=_cells(sensitivity),
        sensitivity_note=_sensitivity_note(sensitivity),
        deliveries=read_deliveries(manifest, points, str(plan.get("device", ""))),
        delivered_candidate=delivered_candidate(manifest),
        curves=read_curves(run),
        provenance=read_provenance(run, front, manifest),
        notes=clips.note,
    )


def _optional(path: Path) -> dict[str, Any]:
    return read_object(path) if path.is_file() else {}


def _constraints(front: Mapping[str, Any]) -> tuple[Constraint, ...]:
    found = []
    for row in front["constraints"]:
        side: Direction = "max" if "max" in row else "min"
        found.append(Constraint(row["key"], side, row[side], row["confidence"]))
    return tuple(found)


def _cells(table: Mapping[str, Any]) -> tuple[SensitivityCell, ...]:
    rows = table.get("cells", [])
    return tuple(SensitivityCell(r["choice"], str(r["option"]), r["loss"], r["failed"]) for r in rows)


def _sensitivity_note(table: Mapping[str, Any]) -> str:
    fit = table.get("correction")
    if not fit:
        return ""
    if not table["checks"]:
        return (
            "What each option of each decision loses alone, as far as the search has measured it (searches "
            "with --sensitivity measure all). A cell of a whole family has all of its layers changed at once."
        )
    return (
        f"Checked on {len(table['checks'])} random combinations: the sum orders them with a rank correlation "
        f"of {fit['rank_correlation']:.2f}; its median relative error is {fit['error_before']:.0%}, "
        f"{fit['error_after']:.0%} after the fitted correction."
    )
