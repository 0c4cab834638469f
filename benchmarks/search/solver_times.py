"""How long the budget solver takes to answer, on the reference model's tables and on those of full-size v2.

    python -m benchmarks.search.solver_times

Bytes and seconds are those of the joint space on a phone; losses of single decisions are synthetic (the time
does not hang on where they come from). Budgets run from the teacher's down to impossible ones, whose answer
is what binds and the price of relaxing each. One thread. Writes ``results/search/solver_times.json``.
"""

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
SHARES = (0.05, 0.15, 0.25, 0.4, 0.6, 0.9)  # of the teacher's size and of its latency
MODELS: dict[str, tuple[GptConfig, SovitsConfig, float]] = {
    "reference": (gpt_config(), sovits_config(), 2.0),
    "full-size v2": (GptConfig.original("v2"), SovitsConfig.original("v2"), 10.0),
}
"""Sizes of both networks, and the seconds within which any budget must be answered."""


@dataclass(frozen=True)
class Counted:
    """The free rung alone."""

    costs: CostModel

    def __call__(self, candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
        return Evaluation({m.key: m for m in self.costs.cost(candidate).measurements()})


def main() -> None:
    rows = [row for name in MODELS for row in timed(name)]
    write_json(RESULTS / "solver_times.json", provenance(seed=0) | {"summary": summary(rows), "rows": rows})


def timed(name: str) -> list[dict[str, object]]:
    """One row a budget, and one for a sweep of budgets."""
    start = time.perf_counter()
    solver = made(name)
    rows: list[dict[str, object]] = [{"model": name, "what": "tables", "wall_s": _since(start)}]
    size, latency = (float(x) for x in solver.cost.base[:2])
    for a, b in product(SHARES, SHARES):
        limits = {"size_mb": a * size, "latency_s": b * latency}
        start, cpu = time.perf_counter(), time.process_time()
        answer = solver.solve(limits)
        found = "infeasible" if isinstance(answer, Infeasible) else "solution"
        spent = {"wall_s": _since(start), "processor_s": round(time.process_time() - cpu, 3)}
        rows.append({"model": name, "what": "budget", **limits, "answer": found, **spent})
    start = time.perf_counter()
    answers = len(solver.sweep(("size_mb", "latency_s"), 5, {}))
    return [*rows, {"model": name, "what": "sweep of 25 budgets", "answer": answers, "wall_s": _since(start)}]


def made(name: str) -> BudgetSolver:
    """The solver over this model's tables."""
    gpt, sovits, _ = MODELS[name]
    dimensions = teacher_dimensions(gpt, sovits)
    encoding = Encoding(load_space(SPACE, dimensions))
    cost = fit_costs(encoding, TASK, Counted(CostModel(gpt, sovits, load_profile(DEVICES[0]))))
    table = measure_sensitivity(encoding, SyntheticEvaluator(dimensions).quality_loss, checks=0)
    return BudgetSolver(cost, table.quality(encoding))


def summary(rows: list[dict[str, object]]) -> dict[str, object]:
    """The slowest budget of each model beside what is allowed."""
    found = {}
    for name, (_, _, allowed) in MODELS.items():
        own = [r for r in rows if r["model"] == name and r["what"] == "budget"]
        found[name] = {
            "budgets": len(own),
            "infeasible": sum(r["answer"] == "infeasible" for r in own),
            "slowest_wall_s": max(float(str(r["wall_s"])) for r in own),
            "median_wall_s": float(np.median([float(str(r["wall_s"])) for r in own])),
            "allowed_s": allowed,
        }
    return found


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 3)


if __name__ == "__main__":
    main()
