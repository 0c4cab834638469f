"""Recorded evaluations of the two halves of the model, composed into any candidate of the benchmark's space.

GPT and SoVITS meet only at the tokens, so a candidate's divergence is the sum of its halves', and its bytes
and seconds are those of both less the teacher's. How exactly that holds is measured on whole candidates
where the table is recorded, and stored beside it.
"""

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autocompress.objectives import Measurement
from autocompress.space import Candidate
from autocompress.study import Evaluation, Rung

SPACE = Path(__file__).parent / "space.toml"
RESULTS = Path(__file__).resolve().parents[2] / "results" / "search"
DEVICES = ("snapdragon-7-gen-3", "raspberry-pi-5")  # the first is searched for, the second asked for later
HALVES = {
    "gpt": ("gpt", "storage.gpt", "compute.gpt"),
    "sovits": ("sovits", "storage.sovits", "compute.sovits"),
}
QUALITY = "quality_loss"
SIZE = "size_mb"
LATENCY = "latency_s"  # of one device a column: "latency_s@raspberry-pi-5"

Row = dict[str, float]


def half(candidate: Candidate, name: str) -> Candidate:
    """What of ``candidate`` its half ``name`` sees."""
    return candidate.part(HALVES[name])


def read_rows(path: Path) -> dict[str, Row]:
    """Rows by id of half a candidate."""
    with path.open(newline="") as file:
        return {
            r["half"]: {k: float(v) for k, v in r.items() if k not in ("part", "half")}
            for r in csv.DictReader(file)
        }


def recorded_weights() -> object:
    """Of the model that the table was recorded from, which may be older than the one shipped now."""
    return json.loads((RESULTS / "table.json").read_text("utf-8"))["weights_sha256"]


def write_rows(path: Path, rows: dict[str, Row], parts: dict[str, str]) -> None:
    """Rows of six significant digits, each with the part of the model that it is about."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["part", "half", *rows[Candidate().id]])
        for name, row in rows.items():
            writer.writerow([parts[name], name, *(f"{value:.6g}" for value in row.values())])


def losses_by_part(path: Path, device: str) -> dict[str, npt.NDArray[np.float64]]:
    """Size, latency and loss [n, 3] of every half of each part; ``teacher`` is the row of neither."""
    found: dict[str, list[list[float]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            values = [float(row[key]) for key in (SIZE, f"{LATENCY}@{device}", QUALITY)]
            found.setdefault(row["part"], []).append(values)
    return {part: np.array(values) for part, values in found.items()}


@dataclass(frozen=True)
class TabularEvaluator:
    """The recorded model on ``device``; a candidate of another space is an error of the benchmark."""

    rows: dict[str, Row]
    device: str

    def __call__(self, candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
        if rung == "free":
            latency = self.whole(candidate, f"{LATENCY}@{self.device}")
            size = Measurement.exact(SIZE, self.whole(candidate, SIZE))
            return Evaluation.of(size, Measurement.exact(LATENCY, latency))
        loss = self.whole(candidate, QUALITY)
        if math.isnan(loss):
            return Evaluation.failed("a half of it could not be scored")
        return Evaluation.of(Measurement.exact(QUALITY, max(0.0, loss)))

    def whole(self, candidate: Candidate, key: str) -> float:
        """One column of both halves together."""
        halves = sum(self.rows[half(candidate, name).id][key] for name in HALVES)
        return halves - self.rows[Candidate().id][key]
