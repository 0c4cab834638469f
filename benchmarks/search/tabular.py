"""Recorded evaluations of the two halves of the model, composed into any candidate of the quick space.

GPT and SoVITS meet only at the tokens, so a candidate's divergence is the sum of its halves' (the error of
that composition is measured where the table is recorded), and its bytes and seconds are those of both less
the teacher.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autocompress.objectives import Measurement
from autocompress.space import Candidate
from autocompress.study import Evaluation, Rung

HALVES = {
    "gpt": ("gpt", "storage.gpt", "compute.gpt"),
    "sovits": ("sovits", "storage.sovits", "compute.sovits"),
}
KEYS = ("size_mb", "latency_s", "quality_loss")


def half(candidate: Candidate, name: str) -> Candidate:
    return candidate.part(HALVES[name])


@dataclass(frozen=True)
class TabularEvaluator:
    """Rows by id of half a candidate; one that was not recorded is a failure, never a guess."""

    rows: dict[str, dict[str, float]]

    @staticmethod
    def read(path: Path) -> "TabularEvaluator":
        with path.open(newline="") as file:
            return TabularEvaluator({r["half"]: {k: float(r[k]) for k in KEYS} for r in csv.DictReader(file)})

    def write(self, path: Path) -> None:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["half", *KEYS])
            writer.writerows([name, *(row[k] for k in KEYS)] for name, row in self.rows.items())

    def __call__(self, candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
        halves = [self.rows.get(half(candidate, name).id) for name in HALVES]
        if any(row is None for row in halves):
            return Evaluation.failed("a half of this candidate was not recorded")
        teacher = self.rows[Candidate().id]
        whole = {k: sum(row[k] for row in halves if row) - teacher[k] for k in KEYS}
        keys: Iterable[str] = KEYS[:2] if rung == "free" else KEYS[2:]
        return Evaluation.of(*(Measurement.exact(k, whole[k]) for k in keys))
