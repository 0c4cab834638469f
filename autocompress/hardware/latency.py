"""What a graph costs on a device: every operator, their sum with its interval, and the memory it needs.

A profile that names a measured operator table is costed from that table (:mod:`.operator_fit`); every other
device by the roofline of its public facts (:mod:`.roofline`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from autocompress.hardware.estimate import estimate, trust
from autocompress.hardware.graph import Graph, Operator, read_graph
from autocompress.hardware.operator_fit import Shapes, TableModel, fit_table
from autocompress.hardware.operator_table import read_table
from autocompress.hardware.prediction import INTERVAL_SIGMAS, Prediction
from autocompress.hardware.profile import HardwareProfile

Array = np.ndarray[Any, np.dtype[np.float64]]

# Log-normal width of whole-graph errors on the machine that the table was measured on, graphs of the holdout:
# results/latency_model/xeon_machine.json, remade by benchmarks/latency_model/run.py.
MEASURED_LOG_SIGMA = 0.098
VALIDATED_SPREAD = 0.0544  # of that machine's own table


@dataclass(frozen=True)
class GraphPrediction:
    """Time and memory of one run of a graph on a device."""

    device: str
    threads: int
    total: Prediction
    operators: tuple[Operator, ...]
    seconds: tuple[float, ...]  # of each operator, all its repetitions
    call_s: float  # entering and leaving the runtime
    storage_bytes: int
    weight_bytes: int
    peak_memory_bytes: int
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    undisturbed: Prediction  # while no other program uses the device; less only where one did when measured
    thermal_factor: float = 1.0  # sustained speed over peak speed

    @property
    def hot(self) -> Prediction:
        """The time once the device is warm; an upper bound, for memory does not slow down as cores do."""
        return self.total.scaled(1 / self.thermal_factor)


def predict_graph(graph: Graph, profile: HardwareProfile, threads: int | None = None) -> GraphPrediction:
    """Cost a graph on a device at a number of threads (the profile's default unless told)."""
    count = min(threads or profile.threads.default, max(1, profile.max_threads()))
    operators = (*graph.operators, graph.call)
    costs = operator_costs(operators, graph.footprint_bytes, profile, count)
    undisturbed = operator_costs(operators, graph.footprint_bytes, profile, count, undisturbed=True)
    seconds = costs.seconds
    notes = (*graph.notes, *_thread_note(threads, count))
    return GraphPrediction(
        device=profile.id,
        threads=count,
        total=costs.total,
        undisturbed=undisturbed.total,
        operators=graph.operators,
        seconds=tuple(map(float, seconds[:-1])),
        call_s=float(seconds[-1]),
        storage_bytes=graph.storage_bytes,
        weight_bytes=graph.weight_bytes,
        peak_memory_bytes=graph.weight_bytes + graph.peak_activation_bytes,
        unknown=graph.unknown,
        notes=notes,
        thermal_factor=profile.thermal_factor.value,
    )


def predict_file(
    path: "str | Path | Any",
    profile: HardwareProfile,
    shapes: Mapping[str, Sequence[int]] | None = None,
    threads: int | None = None,
) -> GraphPrediction:
    """Cost an ONNX file; layouts that only x86 has are left out for other devices."""
    level = "all" if table_model(profile) else "extended"
    return predict_graph(read_graph(path, shapes, optimization=level), profile, threads)


@dataclass(frozen=True)
class Costs:
    """Seconds of each operator with its repetitions, [n]; what they rest on, and how wide the error is."""

    seconds: Array
    kind: str
    log_sigma: float

    @property
    def total(self) -> Prediction:
        return Prediction.from_log_sigma(float(self.seconds.sum()), self.log_sigma, self.kind)


def operator_costs(
    operators: Sequence[Operator],
    footprint_bytes: float | Array,
    profile: HardwareProfile,
    threads: int,
    *,
    undisturbed: bool = False,
) -> Costs:
    """Cost operators on a device, in a graph of this footprint.

    With a measured table: among the programs that ran when it was measured, or ``undisturbed`` by them.
    """
    model = table_model(profile, undisturbed=undisturbed)
    if model is None:
        guess = estimate(operators, profile, threads, footprint_bytes)
        return Costs(np.asarray(guess.seconds), guess.kind, guess.log_sigma)
    counts = np.array([operator.count for operator in operators], float)
    seconds = counts * table_seconds(model, operators, footprint_bytes, threads)
    return Costs(seconds, "measured", measured_log_sigma(model))


def how_far_trusted(profile: HardwareProfile) -> tuple[str, float]:
    """Kind and log-normal width of predictions on this device: a measured table comes first."""
    model = table_model(profile)
    return ("measured", measured_log_sigma(model)) if model else trust(profile)


def measured_log_sigma(model: TableModel) -> float:
    """Log-normal width of errors on a machine with this table; a restless machine has the wider one.

    What its runs spread beyond those of the validated table counts twice: the table was made in such minutes,
    and what is predicted will run in others. results/latency_model/restless_machine.json shows both widths.
    """
    excess = math.sqrt(max(model.spread**2 - VALIDATED_SPREAD**2, 0.0))
    return math.hypot(MEASURED_LOG_SIGMA, math.sqrt(2) * excess / INTERVAL_SIGMAS)


def table_seconds(
    model: TableModel, operators: Sequence[Operator], footprint_bytes: float | Array, threads: int
) -> Array:
    """Seconds of one execution of each operator from a measured table; one call of each kernel.

    ``footprint_bytes`` is one graph's, or one for each operator.
    """
    seconds = np.zeros(len(operators))
    footprints = np.broadcast_to(np.asarray(footprint_bytes, float), len(operators))
    groups: dict[tuple[str, str], list[int]] = {}
    for i, operator in enumerate(operators):
        groups.setdefault((operator.family, operator.precision), []).append(i)
    for (family, precision), rows in groups.items():
        members = [operators[i] for i in rows]
        seconds[rows] = model.seconds(family, precision, threads, _shapes(members, footprints[rows]))
    return seconds


def _shapes(operators: Sequence[Operator], footprints: Array) -> Shapes:
    names = ("batch", "m", "k", "n", "taps")
    columns = [np.array([getattr(operator, name) for operator in operators], float) for name in names]
    batch, m, k, n, taps, far = (np.maximum(column, 1.0) for column in (*columns, footprints))
    return Shapes(batch, m, k, n, taps, far)


def table_model(profile: HardwareProfile, *, undisturbed: bool = False) -> TableModel | None:
    """The fitted operator table of a device, or ``None`` when it was never measured."""
    path = profile.operator_table()
    return _fitted(path, path.stat().st_mtime_ns, undisturbed) if path else None


@lru_cache(maxsize=8)
def _fitted(path: Path, _changed_ns: int, undisturbed: bool) -> TableModel:
    rows = read_table(path)
    return fit_table(rows if undisturbed else [row.on_the_whole() for row in rows])


def _thread_note(asked: int | None, used: int) -> tuple[str, ...]:
    if asked is None or asked == used:
        return ()
    return (f"{asked} threads were asked; the device's thread policy has cores for {used}",)
