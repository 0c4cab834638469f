"""What the loop itself costs a trial, and the memory of many trials.

    python -m benchmarks.search.overhead [--trials 1000] [--many 10000]

The evaluator is synthetic and its own time is taken out; storing, asking, telling and ranking stay in. Each
row is a process of its own: processor time, wall time and the most memory it held. Writes
``results/search/overhead.json``.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from autocompress.objectives import DEFAULT_OBJECTIVES
from autocompress.space import Candidate, load_space
from autocompress.study import Budget, Evaluation, Fingerprint, Rung, Settings, Study, Task
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator
from benchmarks.provenance import provenance, write_json
from benchmarks.search.tabular import RESULTS

SPACES = ("quick", "gpt-sovits")
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
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--many", type=int, default=10_000, help="trials of the row that is about memory")
    parser.add_argument("--one", nargs=2, metavar=("SPACE", "TRIALS"), help="measure this alone, to stdout")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.one[0], int(given.one[1]))))
        return
    asked = [*((space, given.trials) for space in SPACES), (SPACES[0], given.many)]
    rows = [apart(space, trials) for space, trials in asked]
    write_json(RESULTS / "overhead.json", provenance(seed=0) | {"rungs": RUNGS, "rows": rows})


def apart(space: str, trials: int) -> dict[str, object]:
    """``measured`` in a fresh process, so that its memory is its own."""
    command = [sys.executable, "-m", "benchmarks.search.overhead", "--one", space, str(trials)]
    row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    print(row, flush=True)
    return dict(row)


def measured(space: str, trials: int) -> dict[str, object]:
    """One search with the default sampler and rungs."""
    evaluate = Timed()
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
        front = study.run(Budget(trials=trials))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "space": space,
        "trials": trials,
        "sampler": front.provenance["sampler"],
        "evaluations": len(front.history),
        "processor_ms_a_trial": round(1e3 * (cpu - evaluate.cpu_s) / trials, 3),
        "wall_ms_a_trial": round(1e3 * (wall - evaluate.wall_s) / trials, 3),
        "most_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1),
    }


if __name__ == "__main__":
    main()
