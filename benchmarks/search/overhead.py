"""What the loop itself costs a trial, and the memory of many trials.

    python -m benchmarks.search.overhead [quick:1000 gpt-sovits:1000 quick:10000]

The evaluator is synthetic and its own time is taken out; storing, asking, telling and ranking stay in. Each
row is a process of its own: processor time, wall time and the most memory it held. Writes
``results/search/overhead.json``; rows that are not asked for stay as they were.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from autocompress.objectives import DEFAULT_OBJECTIVES
from autocompress.space import Candidate, load_space
from autocompress.study import Budget, Evaluation, Fingerprint, Rung, Settings, Study, Task
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator
from benchmarks.provenance import provenance, write_json
from benchmarks.search.tabular import RESULTS

ROWS = ("quick:1000", "gpt-sovits:1000", "quick:10000")
RUNGS: tuple[Rung, ...] = ("divergence", "speech")


@dataclass
class Timed:
    """An evaluator that knows how long it took itself."""

    evaluate: SyntheticEvaluator = field(default_factory=SyntheticEvaluator)
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def __call__(self, candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
        cpu, wall = time.process_time(), time.perf_counter()
        seen = self.evaluate(candidate, rung, seed)
        self.cpu_s += time.process_time() - cpu
        self.wall_s += time.perf_counter() - wall
        return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", default=ROWS, metavar="SPACE:TRIALS")
    parser.add_argument("--here", action="store_true", help="measure one row in this process, to stdout")
    given = parser.parse_args()
    if given.here:
        print(json.dumps(measured(*given.rows[0].split(":"))))
        return
    path = RESULTS / "overhead.json"
    rows = json.loads(path.read_text("utf-8"))["rows"] if path.is_file() else {}
    for row in given.rows:
        rows[row] = apart(row)
        print(row, rows[row], flush=True)
        made = {"command": "python -m benchmarks.search.overhead " + " ".join(rows), "rungs": RUNGS}
        write_json(path, provenance(seed=0) | made | {"rows": rows})


def apart(row: str) -> dict[str, object]:
    """``measured`` in a fresh process, so that its memory is its own."""
    command = [sys.executable, "-m", "benchmarks.search.overhead", "--here", row]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return dict(found)


def measured(space: str, count: str) -> dict[str, object]:
    """One search with the default sampler and rungs."""
    evaluate, trials = Timed(), int(count)
    with tempfile.TemporaryDirectory() as folder:
        cpu, wall = time.process_time(), time.perf_counter()
        study = Study(
            load_space(space, REFERENCE_DIMENSIONS),
            Task(DEFAULT_OBJECTIVES),
            evaluate,
            Fingerprint("synthetic"),
            Path(folder),
            Settings(rungs=RUNGS),
        )
        marks: list[float] = []  # processor time of the loop alone, after each evaluation
        front = study.run(Budget(trials=trials), lambda _: marks.append(time.process_time() - evaluate.cpu_s))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "sampler": front.provenance["sampler"],
        "evaluations": len(front.history),
        "processor_ms_a_trial": round(1e3 * (cpu - evaluate.cpu_s) / trials, 3),
        "processor_ms_an_evaluation_by_fifth": _by_fifth(marks),
        "wall_ms_a_trial": round(1e3 * (wall - evaluate.wall_s) / trials, 3),
        "most_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1),
    }


def _by_fifth(marks: list[float]) -> list[float]:
    """Milliseconds from one evaluation to the next, in each fifth of the search: whether they grow."""
    ends = [marks[round(k * (len(marks) - 1) / 5)] for k in range(6)]
    return [round(1e3 * (b - a) / (len(marks) / 5), 3) for a, b in pairwise(ends)]


if __name__ == "__main__":
    main()
