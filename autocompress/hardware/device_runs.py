"""``devices calibrate``: whole-model runs on a device correct its estimate.

The runs stand in a CSV file with the columns ``model`` (an ONNX file, from the folder of the CSV),
``latency_s`` and, when needed, ``threads`` and ``shapes`` (``x=1,60;y=1,8``).
"""

import csv
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from autocompress.errors import ProfileError
from autocompress.hardware.calibration import Array, Prior, Rate, calibrate
from autocompress.hardware.estimate import estimate_costs
from autocompress.hardware.graph import read_graph
from autocompress.hardware.operators import OperatorColumns
from autocompress.hardware.profile import Calibration, Fact, HardwareProfile, read_profile
from autocompress.hardware.strict_toml import nearest

COLUMNS = ("model", "latency_s", "threads", "shapes")
_REQUIRED = ("model", "latency_s")

# Models differ by more than a device's rates: what is left between voices on one device (no_run.csv).
BETWEEN_MODELS_LOG_SIGMA = 0.12

# Compute rests on kernels and is rarely far off; memory depends on the board, dispatch on the build.
RUNS_PRIOR = Prior(
    components=("compute", "memory", "dispatch"),
    rates=(
        Rate("compute", 1.0, 0.2, ("compute",)),
        Rate("memory", 1.0, 0.4, ("memory",)),
        Rate("dispatch", 1.0, 1.0, ("dispatch",), is_regime=True),
    ),
)


@dataclass(frozen=True)
class Run:
    """One whole-model run."""

    model: Path
    latency_s: float
    threads: int | None
    shapes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class CalibrationReport:
    """The profile with its calibration, and each run's time before and after, [runs]."""

    profile: HardwareProfile
    measured_s: Array
    estimated_s: Array
    calibrated_s: Array

    def summary(self) -> dict[str, float | int | str]:
        """What ``devices calibrate --json`` prints."""
        calibration = self.profile.calibration
        assert calibration is not None
        factors = {
            name: getattr(calibration, name).value for name in ("compute", "memory", "dispatch", "log_sigma")
        }
        return {
            "device": self.profile.id,
            "n_runs": calibration.n_runs,
            **factors,
            "mean_error_before": float(np.mean(np.abs(self.estimated_s / self.measured_s - 1))),
            "mean_error_after": float(np.mean(np.abs(self.calibrated_s / self.measured_s - 1))),
        }


def read_runs(path: Path) -> list[Run]:
    """Read the CSV file; raises :class:`ProfileError` with every fault and its line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names, rows = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ProfileError(f"measurements {path} cannot be read: {error}. Give a CSV file.") from error
    faults = _column_faults(names)
    runs = []
    if not faults:
        for line, row in enumerate(rows, start=2):
            runs.append(_run(path.parent, row, line, faults))
    if not faults and not rows:
        faults.append("no rows: one run a row is needed")
    if faults:
        raise ProfileError(
            f"measurements {path} cannot be used; correct:\n" + "\n".join(f"  {f}" for f in faults)
        )
    return runs


def _column_faults(names: Sequence[str]) -> list[str]:
    missing = [f"line 1: the column {name!r} is missing" for name in _REQUIRED if name not in names]
    unknown = [
        f"line 1: unknown column {name!r}; the nearest known one is {nearest(name, COLUMNS)!r}"
        for name in names
        if name not in COLUMNS
    ]
    return missing + unknown


def _run(folder: Path, row: Mapping[str, str | None], line: int, faults: list[str]) -> Run:
    """One row; what is wrong with it is added to the faults."""
    model = folder / (row["model"] or "")
    if not model.is_file():
        faults.append(f"line {line}: there is no model {row['model']!r} beside the file")
    latency = _number(row["latency_s"])
    if not (math.isfinite(latency) and latency > 0):
        faults.append(f"line {line}: latency_s must be a number above zero, found {row['latency_s']!r}")
    threads = row.get("threads") or ""
    if threads and not re.fullmatch(r"[1-9]\d*", threads.strip()):
        faults.append(f"line {line}: threads must be a whole number above zero, found {threads!r}")
        threads = ""
    return Run(
        model, latency, int(threads) if threads else None, _shapes(row.get("shapes") or "", line, faults)
    )


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _shapes(text: str, line: int, faults: list[str]) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        found = re.fullmatch(r"(.+)=(\d+(?:,\d+)*)", part)
        if found is None:
            faults.append(f"line {line}: shapes must read NAME=1,60;NAME=1,8, found {part!r}")
            continue
        shapes[found[1]] = tuple(int(size) for size in found[2].split(","))
    return shapes


def calibrate_device(profile: HardwareProfile, runs: Sequence[Run]) -> CalibrationReport:
    """Fit the residual of a device's estimate to its runs."""
    bare = replace(profile, calibration=None)
    components = np.stack([_components(bare, run) for run in runs])
    measured = np.array([run.latency_s for run in runs])
    fitted = calibrate(components, measured, RUNS_PRIOR)
    forecast = fitted.predict(components)
    factors = {name: fitted.scale() * fitted.rate(name) for name in RUNS_PRIOR.components}
    source = f"{len(runs)} runs, {date.today().isoformat()}"
    facts = {name: Fact(value, "derived", source) for name, value in factors.items()}
    width = float(np.hypot(np.median(forecast.log_sigma), BETWEEN_MODELS_LOG_SIGMA))
    sigma = Fact(width, "derived", source)
    calibration = Calibration(**facts, log_sigma=sigma, n_runs=len(runs))
    return CalibrationReport(
        replace(bare, calibration=calibration), measured, components.sum(axis=1), forecast.median
    )


def _components(profile: HardwareProfile, run: Run) -> Array:
    """Seconds of a run's estimate by what bounds them: compute, memory, dispatch; [3]."""
    graph = read_graph(run.model, run.shapes, optimization="extended")
    columns = OperatorColumns.of([*graph.operators, graph.call])
    costs = estimate_costs(columns, profile, run.threads, graph.footprint_bytes)
    bound = costs.compute_s >= costs.memory_s
    return np.array(
        [
            np.sum(columns.count * np.where(bound, costs.compute_s, 0.0)),
            np.sum(columns.count * np.where(bound, 0.0, costs.memory_s)),
            np.sum(columns.count) * costs.dispatch_s,
        ]
    )


def write_calibrated(report: CalibrationReport, folder: Path) -> Path:
    """Write the profile with its calibration into a user's folder, in one step; returns its path."""
    source = report.profile.path
    assert source is not None, "a calibrated profile comes from a file"
    folder.mkdir(parents=True, exist_ok=True)
    text = _without_calibration(source.read_text("utf-8")) + _calibration_text(report.profile)
    for name in report.profile.tables:
        _write(folder / name, (source.parent / name).read_text("utf-8"))
    target = folder / f"{report.profile.id}.toml"
    _write(target, _with_source(text, report.profile))
    read_profile(target)
    return target


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(text, "utf-8")
    partial.replace(path)


_BLOCK = re.compile(r"\n*^\[calibration\]\n(?:(?!\[).*\n?)*", re.MULTILINE)
_SOURCE_KEY = "own-runs"


def _without_calibration(text: str) -> str:
    kept = "\n".join(line for line in text.split("\n") if not line.startswith(f"{_SOURCE_KEY} ="))
    return _BLOCK.sub("\n", kept).rstrip() + "\n"


def _calibration_text(profile: HardwareProfile) -> str:
    calibration = profile.calibration
    assert calibration is not None
    names = ("compute", "memory", "dispatch", "log_sigma")
    values = {name: f"{getattr(calibration, name).value:.6g}" for name in names}
    origin = f'kind = "derived", source = "{_SOURCE_KEY}"'
    lines = [f"{name} = {{ value = {value}, {origin} }}" for name, value in values.items()]
    return "\n".join(["\n[calibration]", f"n_runs = {calibration.n_runs}", *lines, ""])


def _with_source(text: str, profile: HardwareProfile) -> str:
    calibration = profile.calibration
    assert calibration is not None
    entry = f'[sources]\n{_SOURCE_KEY} = "whole-model runs on this device: {calibration.compute.source}"\n'
    return text.replace("[sources]\n", entry, 1)
