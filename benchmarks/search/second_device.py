"""A second device on a searched model: its front from what is measured, against a search from nothing there.

    python -m benchmarks.search.second_device [--seeds 10] [--few 60]

Writes ``results/search/second_device.json``: seconds, new quality evaluations (none), and the hypervolume
over that of a search from scratch with as many evaluations as the first device had.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from autocompress.space import Candidate
from autocompress.study import Budget, Evaluation, Fingerprint, Front, Rung, Settings, Study
from benchmarks.provenance import provenance, write_json
from benchmarks.search.runs import TASK, Bench
from benchmarks.search.tabular import DEVICES, RESULTS, TabularEvaluator, recorded_weights

OURS = "solver"
Row = dict[str, float]


@dataclass
class Counted:
    """An evaluator that counts what is evaluated beyond the free rung."""

    evaluate: TabularEvaluator
    evaluations: int = field(default=0)

    def __call__(self, candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
        self.evaluations += rung != "free"
        return self.evaluate(candidate, rung, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--few", type=int, default=60)
    parser.add_argument("--work", type=Path, default=Path("runs/search"))
    given = parser.parse_args()
    bench = Bench(work=given.work)
    rows = [asked_later(bench, seed, given.few) for seed in range(given.seeds)]
    facts = provenance(seed=0) | {"weights_sha256": recorded_weights()}
    write_json(RESULTS / "second_device.json", facts | summary(rows, given.few))


def asked_later(bench: Bench, seed: int, few: int) -> Row:
    """Search for the first device, then ask for the second from the same store."""
    with tempfile.TemporaryDirectory() as folder:
        search(bench, seed, DEVICES[0], Path(folder), Budget(trials=few))
        start = time.perf_counter()
        front, counted = search(bench, seed, DEVICES[1], Path(folder), Budget(trials=0))
        seconds = time.perf_counter() - start
    scratch = bench.run(OURS, seed, few, DEVICES[1])
    return {
        "seed": seed,
        "seconds": round(seconds, 3),
        "new_evaluations": counted.evaluations,
        "hypervolume": front.hypervolume,
        "hypervolume_from_scratch": scratch.at(few),
        "ratio": front.hypervolume / scratch.at(few),
    }


def search(bench: Bench, seed: int, device: str, folder: Path, budget: Budget) -> tuple[Front, Counted]:
    """One search whose store is shared by every device in ``folder``."""
    counted = Counted(bench.evaluator(device))
    study = Study(
        bench.space(),
        TASK,
        counted,
        Fingerprint("benchmark", device=device),
        folder / device,
        Settings(sampler=OURS, seed=seed),
        storage=f"sqlite:///{folder / 'store.db'}",
    )
    front = study.run(budget)
    study.store.close()
    return front, counted


def summary(rows: list[Row], few: int) -> dict[str, object]:
    """The worst seed decides."""
    return {
        "first": DEVICES[0],
        "second": DEVICES[1],
        "evaluations_on_the_first": few,
        "new_evaluations": max(row["new_evaluations"] for row in rows),
        "slowest_seconds": max(row["seconds"] for row in rows),
        "smallest_ratio": min(row["ratio"] for row in rows),
        "median_ratio": float(np.median([row["ratio"] for row in rows])),
        "seeds": rows,
    }


if __name__ == "__main__":
    main()
