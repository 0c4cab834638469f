"""Plain samplers and uniform recipes against this search, on one evaluator and one budget.

    python benchmarks/search/compare.py --out results/search --seeds 10 --trials 600 --ours 60

Every quality evaluation counts, those of the screening included. Hypervolume is bounded by one fixed
reference. The evaluator is synthetic until a recorded table of real evaluations is given with ``--table``.
"""

import argparse
import csv
import json
import platform
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from tabular import TabularEvaluator

import autocompress
from autocompress.objectives import DEFAULT_OBJECTIVES, hypervolume
from autocompress.space import Point, SearchSpace, load_space
from autocompress.study import Budget, Evaluate, Fingerprint, Front, Settings, Study, Task
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator

PLAIN = ("random", "nsga2", "tpe", "nni-evolution")
OURS = "solver"
TASK = Task(DEFAULT_OBJECTIVES)


def search(
    space: SearchSpace, evaluate: Evaluate, sampler: str, seed: int, trials: int
) -> tuple[Front, list[tuple[float, ...]]]:
    """The front of one finished search, and the losses of everything it evaluated."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(sampler=sampler, seed=seed)
        study = Study(space, TASK, evaluate, Fingerprint("benchmark"), Path(folder), settings)
        front = study.run(Budget(trials=trials))
        return front, [loss for t in study.trials() if (loss := t.losses(TASK)) is not None]


def uniform(space: SearchSpace, bits: str) -> list[Point]:
    """Every part stored in ``bits`` (or the fewest its floor allows)."""
    storage = [c for c in space.choices if c.role == "storage"]
    return [{c.name: bits if bits in c.options else c.options[-1] for c in storage}]


def pruned_evenly(space: SearchSpace, steps: int = 30) -> list[Point]:
    """int8 everywhere, then every width, depth and kernel cut by the same share, step by step."""
    (base,) = uniform(space, "int8")
    cut = [c for c in space.free if c.ordered and c.role not in ("storage", "recipe")]
    recipe = {c.name: c.options[-1] for c in space.free if c.name == "recipe.steps"}
    points = []
    for share in np.linspace(0.0, 1.0, steps):
        widths = {c.name: c.options[round(share * (len(c.options) - 1))] for c in cut}
        points.append(base | recipe | widths)
    return points


RECIPES: dict[str, Callable[[SearchSpace], list[Point]]] = {
    "uniform-int8": lambda space: uniform(space, "int8"),
    "uniform-int4": lambda space: uniform(space, "int4"),
    "int8-then-prune-evenly": pruned_evenly,
}


def fixed_points(space: SearchSpace, evaluate: Evaluate, points: list[Point]) -> list[tuple[float, ...]]:
    """Losses of points that nobody searched for."""
    losses = []
    for point in points:
        candidate = space.candidate(space.repair(point))
        free, seen = evaluate(candidate, "free", 0), evaluate(candidate, "divergence", 0)
        losses.append(TASK.losses({**free.measurements, **seen.measurements}))
    return [loss for loss in losses if loss is not None]


def curves(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """One row a sampler, seed and number of evaluations; and the pooled best front at the end."""
    evaluate = TabularEvaluator.read(arguments.table) if arguments.table else SyntheticEvaluator()
    space = load_space("quick", REFERENCE_DIMENSIONS)
    pooled: list[tuple[float, ...]] = []
    reference: tuple[float, ...] = ()
    for sampler in arguments.samplers:
        trials = arguments.ours if sampler == OURS else arguments.trials
        for seed in range(arguments.seeds):
            front, losses = search(space, evaluate, sampler, seed, trials)
            reference = front.reference
            pooled += losses
            for evaluations, volume in front.history:
                yield {"sampler": sampler, "seed": seed, "evaluations": evaluations, "hypervolume": volume}
    for name, points in RECIPES.items():
        losses = fixed_points(space, evaluate, points(space))
        pooled += losses
        volume = hypervolume(losses, reference)
        yield {"sampler": name, "seed": 0, "evaluations": len(losses), "hypervolume": volume}
    best = hypervolume(pooled, reference)
    yield {"sampler": "pooled", "seed": 0, "evaluations": len(pooled), "hypervolume": best}


def at(rows: list[dict], sampler: str, evaluations: int) -> list[float]:
    """Hypervolume of every seed after so many evaluations."""
    return [r["hypervolume"] for r in rows if r["sampler"] == sampler and r["evaluations"] == evaluations]


def summary(rows: list[dict], arguments: argparse.Namespace) -> dict[str, object]:
    """Medians, and the two claims: our few against their many, and the distance to the best known front."""
    plain = [s for s in arguments.samplers if s != OURS]
    best = next(r["hypervolume"] for r in rows if r["sampler"] == "pooled")
    many = {s: float(np.median(at(rows, s, arguments.trials))) for s in plain}
    few = {s: float(np.median(at(rows, s, arguments.ours))) for s in plain}
    ours = float(np.median(at(rows, OURS, arguments.ours)))
    return {
        "ours_at_few": ours,
        "plain_at_few": few,
        "plain_at_many": many,
        "recipes": {r["sampler"]: r["hypervolume"] for r in rows if r["sampler"] in RECIPES},
        "best_known": best,
        "ours_beats_plain_at_many": ours >= max(many.values()),
        "distance_ratio": (best - ours) / (best - max(few.values())),
        "few": arguments.ours,
        "many": arguments.trials,
        "seeds": arguments.seeds,
        "evaluator": "table" if arguments.table else "synthetic",
        "machine": platform.platform(),
        "autocompress": autocompress.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", type=Path, help="recorded evaluations (record.py); synthetic when absent")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=600)
    parser.add_argument("--ours", type=int, default=60)
    parser.add_argument("--samplers", nargs="+", default=[*PLAIN, OURS])
    arguments = parser.parse_args()
    rows = list(curves(arguments))
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (arguments.out / "curves.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    text = json.dumps(summary(rows, arguments), indent=1)
    (arguments.out / "summary.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
