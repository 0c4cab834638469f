"""Reads a finished or interrupted run folder into :class:`ReportData`: the only place that knows its files.

Only ``front.json`` must be there. What else is found is shown: ``plan.json`` (the request), ``store.db``
(all other trials), ``costs.json``, ``sensitivity.json``, ``clips/``, ``bundle/manifest.json``,
``training/*.jsonl``.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autocompress.bundle.manifest import MANIFEST, Manifest
from autocompress.errors import RunError
from autocompress.hardware.library import LOCAL
from autocompress.objectives import Constraint, Measurement
from autocompress.objectives.quantities import Direction
from autocompress.reporting.clips import TEACHER, ClipFolder, embed_within, read_clips
from autocompress.reporting.curves import read_curves
from autocompress.reporting.data import (
    Delivery,
    Point,
    Provenance,
    ReportData,
    SensitivityCell,
    Sentence,
    Standing,
)
from autocompress.reporting.schedule import Dimensions, schedule_rows
from autocompress.study.store import EvaluationStore
from autocompress.study.trial import Trial

Costs = Mapping[str, Mapping[str, float]]
CLIPS_BUDGET_BYTES = 8_000_000  # plotly takes 4.8 MB of the page's 15
_OF_THE_MACHINE = ("latency_s", "first_audio_s", "rtf", "memory_mb")
_OTHER_TRIALS = 2000  # beaten points that a page still draws quickly


def read_run(
    run: Path, bundle: Path | None = None, clips_budget_bytes: int = CLIPS_BUDGET_BYTES
) -> ReportData:
    """Everything that a report shows of ``run``; ``bundle`` is ``run / "bundle"`` unless given."""
    front = _json(run / "front.json")
    manifest = _manifest(bundle or run / "bundle", asked=bundle is not None)
    clips = read_clips(run / "clips")
    embedded, note = _embedded(clips, front, clips_budget_bytes)
    points = _points(run, front, clips, embedded)
    sensitivity = _optional_json(run / "sensitivity.json")
    return ReportData(
        title=run.resolve().name,
        request=str(_optional_json(run / "plan.json").get("request", "")),
        objectives=tuple(o["key"] for o in front["objectives"]),
        constraints=_constraints(front),
        points=points,
        teacher=_measurements(front["teacher"].values()),
        teacher_costs=_costs(run).get(TEACHER, {}),
        teacher_schedule=schedule_rows({}, _dimensions(front)),
        history=tuple((int(n), float(v)) for n, v in front["hypervolume_history"]),
        reference=tuple(front["reference"]),
        sentences=_sentences(clips, embedded),
        clips={_clip_id(clips, path): uri for path, uri in embedded.items()},
        sensitivity=_cells(sensitivity),
        sensitivity_note=_sensitivity_note(sensitivity),
        deliveries=_deliveries(manifest, points, str(_optional_json(run / "plan.json").get("device", ""))),
        delivered_candidate=_delivered(manifest),
        curves=read_curves(run),
        provenance=_provenance(run, front, manifest),
        notes=note,
    )


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RunError(
            f"{path.parent} has no {path.name}: it is no run folder, or its search has not finished once."
        )
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except ValueError as error:
        raise RunError(
            f"{path} is damaged ({error}). Run the same search again: it goes on from its store."
        ) from error


def _optional_json(path: Path) -> dict[str, Any]:
    return _json(path) if path.is_file() else {}


def _constraints(front: Mapping[str, Any]) -> tuple[Constraint, ...]:
    found = []
    for row in front["constraints"]:
        side: Direction = "max" if "max" in row else "min"
        found.append(Constraint(row["key"], side, row[side], row["confidence"]))
    return tuple(found)


def _measurements(rows: Iterable[Mapping[str, Any]]) -> dict[str, Measurement]:
    return {m.key: m for m in map(Measurement.from_dict, rows)}


def _dimensions(front: Mapping[str, Any]) -> Dimensions:
    return dict(front["provenance"].get("dimensions", {}))


def _costs(run: Path) -> dict[str, Costs]:
    return _optional_json(run / "costs.json")


# --- points ---------------------------------------------------------------------------------------------


def _points(
    run: Path, front: Mapping[str, Any], clips: ClipFolder, embedded: Mapping[Path, str]
) -> tuple[Point, ...]:
    picks: dict[int, list[str]] = {}
    for name, number in front["picks"].items():
        picks.setdefault(number, []).append(name)
    on_front = [_front_point(row, "front", tuple(picks.get(row["number"], ()))) for row in front["trials"]]
    nearest = [_front_point(front["nearest"], "nearest", ())] if front["nearest"] else []
    shown = {point.candidate for point in (*on_front, *nearest)}
    others = [_trial_point(t) for t in _other_trials(run) if t.candidate.id not in shown]
    costs, dimensions = _costs(run), _dimensions(front)
    return tuple(_dressed(p, dimensions, costs, clips, embedded) for p in (*on_front, *nearest, *others))


def _front_point(row: Mapping[str, Any], standing: Standing, picks: tuple[str, ...]) -> Point:
    return Point(
        number=row["number"],
        candidate=row["candidate"]["id"],
        standing=standing,
        measurements=_measurements(row["measurements"].values()),
        rung=row["rung"],
        origin=row["origin"],
        picks=picks,
        decisions=row["candidate"]["values"],
    )


def _other_trials(run: Path) -> list[Trial]:
    """Trials of the run's own store, each candidate once; none when it is kept elsewhere."""
    path = (run / "store.db").resolve()
    if not path.is_file():
        return []
    store = EvaluationStore(f"sqlite:///{path}")
    try:
        trials = store.trials(str(run.resolve())[-64:])
    finally:
        store.close()
    unique = {t.candidate.id: t for t in trials if t.state != "running"}
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
    clips: ClipFolder,
    embedded: Mapping[Path, str],
) -> Point:
    """The point with its schedule, costs and clips."""
    said = {s: _clip_id(clips, path) for s, path in clips.of(point.candidate).items() if path in embedded}
    fields = vars(point) | {
        "schedule": schedule_rows(point.decisions, dimensions)
        if point.standing in ("front", "nearest")
        else (),
        "costs": costs.get(point.candidate, {}),
        "clips": said,
    }
    return Point(**fields)


# --- audio ----------------------------------------------------------------------------------------------


def _embedded(
    clips: ClipFolder, front: Mapping[str, Any], budget_bytes: int
) -> tuple[dict[Path, str], tuple[str, ...]]:
    """The teacher's clips first, then those of the picks, then the rest of the front by size."""
    picked = set(front["picks"].values())
    ids = [row["candidate"]["id"] for row in sorted(front["trials"], key=lambda r: r["number"] not in picked)]
    order = [path for who in (TEACHER, *ids) for path in clips.of(who).values()]
    made, left_out = embed_within(order, budget_bytes)
    if not left_out:
        return made, ()
    return made, (f"{len(left_out)} clips are left out to keep the page small; they are in {clips.folder}.",)


def _clip_id(clips: ClipFolder, path: Path) -> str:
    return path.relative_to(clips.folder.resolve()).with_suffix("").as_posix()


def _sentences(clips: ClipFolder, embedded: Mapping[Path, str]) -> tuple[Sentence, ...]:
    teacher = {s: _clip_id(clips, path) for s, path in clips.of(TEACHER).items() if path in embedded}
    return tuple(Sentence(s.id, s.text, s.voice, teacher.get(s.id)) for s in clips.sentences)


# --- sensitivity, bundle, training ------------------------------------------------------------------------


def _cells(table: Mapping[str, Any]) -> tuple[SensitivityCell, ...]:
    rows = table.get("cells", [])
    return tuple(SensitivityCell(r["choice"], str(r["option"]), r["loss"], r["failed"]) for r in rows)


def _sensitivity_note(table: Mapping[str, Any]) -> str:
    fit = table.get("correction")
    if not fit:
        return ""
    return (
        f"Checked on {len(table['checks'])} random combinations: the sum orders them with a rank correlation "
        f"of {fit['rank_correlation']:.2f}; its median relative error is {fit['error_before']:.0%}, "
        f"{fit['error_after']:.0%} after the fitted correction."
    )


def _manifest(folder: Path, asked: bool) -> Manifest | None:
    path = folder / MANIFEST
    if not path.is_file():
        if asked:
            raise RunError(
                f"{folder} is no bundle: it has no {MANIFEST}. Give the folder that `produce` wrote."
            )
        return None
    return Manifest.from_json(path.read_text("utf-8"), str(path))


def _delivered(manifest: Manifest | None) -> str | None:
    return None if manifest is None else str(manifest.candidate.get("id", "")) or None


def _deliveries(manifest: Manifest | None, points: tuple[Point, ...], device: str) -> tuple[Delivery, ...]:
    if manifest is None:
        return ()
    delivered = _delivered(manifest)
    predicted = next((p.measurements for p in points if p.candidate == delivered), {})
    return tuple(
        Delivery(
            key=claim.key,
            predicted=predicted.get(claim.key),
            delivered=claim.measurement,
            where=_where(claim.machine, claim.threads),
            predicted_for=device,
            comparable=device in ("", LOCAL) or claim.key not in _OF_THE_MACHINE,
        )
        for claim in manifest.claims
    )


def _where(machine: str, threads: int) -> str:
    return f"{machine}, {threads} threads" if threads else machine


# --- provenance -----------------------------------------------------------------------------------------


def _provenance(run: Path, front: Mapping[str, Any], manifest: Manifest | None) -> tuple[Provenance, ...]:
    rows = [Provenance(key, _line(value)) for key, value in front["provenance"].items() if key != "points"]
    rows.append(
        Provenance("front", f"{run / 'front.json'}; hypervolume reference {_line(front['reference'])}")
    )
    if manifest is None:
        return tuple(rows)
    for claim in manifest.claims:
        made = "; ".join(filter(None, (_where(claim.machine, claim.threads), claim.versions, claim.command)))
        rows.append(Provenance(f"delivered {claim.key}", f"{claim.source}; seed {claim.seed}; {made}"))
    return tuple(rows)


def _line(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
