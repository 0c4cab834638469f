"""How long the budget solver takes to answer, on the reference model's tables and on those of full-size v2.

    python -m benchmarks.search.solver_times [reference full-size-v2]

Bytes and seconds are those of the joint space on a phone; losses of single decisions are synthetic (the time
does not hang on where they come from). Budgets run from the teacher's down to impossible ones, whose answer
is what binds and the price of relaxing each. One thread. Writes ``results/search/solver_times.json``,
where a model that is not asked for stays as it was.
"""

import argparse
import json
import time
from dataclasses import dataclass
from itertools import product

import numpy as np

from autocompress.hardware.library import load_profile
from autocompress.metrics.cost import CostModel
from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.models.dimensions import teacher_dimensions
from autocompress.models.training.reference import gpt_config, sovits_config
from autocompress.space import Candidate, load_space
from autocompress.study import Evaluation, Rung
from autocompress.study.cost import fit_costs
from autocompress.study.encoding import Encoding
from autocompress.study.sensitivity import measure_sensitivity
from autocompress.study.solver import BudgetSolver, Infeasible
from autocompress.study.testing import SyntheticEvaluator
from benchmarks.provenance import provenance, write_json
from benchmarks.search.runs import TASK
from benchmarks.search.tabular import DEVICES, RESULTS

SPACE = "gpt-sovits"
SHARES = (0.05, 0.15, 0.3, 0.6)  # of the teacher's size and of its latency
MODELS: dict[str, tuple[GptConfig, SovitsConfig, float]] = {
    "reference": (gpt_config(), sovits_config(), 2.0),
    "full-size-v2": (GptConfig.original("v2"), SovitsConfig.original("v2"), 10.0),
}
"""Sizes of both networks, and the seconds within which any budget must be answered."""


@dataclass(frozen=True)
class Counted:
    """The free rung alone."""

    costs: CostModel

    def __call__(self, candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
        return Evaluation({m.key: m for m in self.costs.cost(candidate).measurements()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(MODELS), choices=list(MODELS))
    given = parser.parse_args()
    path = RESULTS / "solver_times.json"
    models = json.loads(path.read_text("utf-8"))["models"] if path.is_file() else {}
    for name in given.models:
        rows = timed(name)
        models[name] = summary(name, rows) | {"rows": rows}
        write_json(path, provenance(seed=0) | {"models": models})


def timed(name: str) -> list[dict[str, object]]:
    """One row for making the tables, and one a budget."""
    start = time.perf_counter()
    solver = made(name)
    rows: list[dict[str, object]] = [{"what": "tables", "wall_s": _since(start)}]
    size, latency = (float(x) for x in solver.cost.base[:2])
    for a, b in product(SHARES, SHARES):
        limits = {"size_mb": a * size, "latency_s": b * latency}
        start, cpu = time.perf_counter(), time.process_time()
        answer = solver.solve(limits)
        found = "infeasible" if isinstance(answer, Infeasible) else "solution"
        spent = {"wall_s": _since(start), "processor_s": round(time.process_time() - cpu, 3)}
        rows.append({"what": "budget", **limits, "answer": found, **spent})
    return rows


def made(name: str) -> BudgetSolver:
    """The solver over this model's tables."""
    gpt, sovits, _ = MODELS[name]
    dimensions = teacher_dimensions(gpt, sovits)
    encoding = Encoding(load_space(SPACE, dimensions))
    cost = fit_costs(encoding, TASK, Counted(CostModel(gpt, sovits, load_profile(DEVICES[0]))))
    table = measure_sensitivity(encoding, SyntheticEvaluator(dimensions).quality_loss, checks=0)
    return BudgetSolver(cost, table.quality(encoding))


def summary(name: str, rows: list[dict[str, object]]) -> dict[str, object]:
    """The slowest budget beside what is allowed."""
    budgets = [row for row in rows if row["what"] == "budget"]
    seconds = [float(str(row["wall_s"])) for row in budgets]
    return {
        "budgets": len(budgets),
        "infeasible": sum(row["answer"] == "infeasible" for row in budgets),
        "slowest_wall_s": max(seconds),
        "median_wall_s": float(np.median(seconds)),
        "allowed_s": MODELS[name][2],
    }


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 3)


if __name__ == "__main__":
    main()
