"""Plain samplers and recipes by hand against this search, on one table of real evaluations.

    python -m benchmarks.search.compare [--samplers random nsga2 tpe nni-evolution solver]

Every quality evaluation counts, those that screen single decisions included; the table (record.py) makes
every run deterministic. Runs are kept in ``--work``. NNI pins an old filelock, so its runs are made in an
environment of their own (docs/development.md) with ``--samplers nni-evolution``; this command finds them
there. Writes ``comparison.json``, ``curves.csv``, ``curves.svg`` and ``curves.png`` to ``results/search``.
"""

import argparse
import csv
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

from autocompress.errors import MissingExtraError
from autocompress.objectives import hypervolume
from benchmarks.provenance import provenance, write_json
from benchmarks.search.baselines import RECIPES, losses_of
from benchmarks.search.figure import draw
from benchmarks.search.optimum import true_front
from benchmarks.search.runs import TASK, Bench, Run, runs
from benchmarks.search.tabular import DEVICES, RESULTS, recorded_weights

OURS = "solver"
SAMPLERS = ("random", "nsga2", "tpe", "nni-evolution", OURS)
Row = dict[str, object]


def main() -> None:
    given = _arguments()
    bench = Bench(work=given.work)
    finished = {name: made for name in given.samplers if (made := _made(bench, name, given))}
    if OURS not in finished or len(finished) == 1:
        print(f"made: {', '.join(finished)}; a comparison needs {OURS} and one other sampler.")
        return
    reference = finished[OURS][0].reference
    recipes = _recipes(bench)
    pooled = [losses for made in finished.values() for run in made for losses in run.front]
    pooled += [losses for found in recipes.values() for losses in found]
    best = {
        "pooled": hypervolume(pooled, reference),
        "whole_table": hypervolume(true_front(bench.table, DEVICES[0]), reference),
    }
    volumes = {name: hypervolume(losses, reference) for name, losses in recipes.items()}
    curves = list(_curves(finished))
    with (RESULTS / "curves.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(curves[0]))
        writer.writeheader()
        writer.writerows(curves)
    write_json(RESULTS / "comparison.json", summary(finished, volumes, best, given))
    draw(curves, volumes, best["whole_table"], given.few, RESULTS)


def summary(
    finished: dict[str, list[Run]],
    recipes: dict[str, float],
    best: dict[str, float],
    given: argparse.Namespace,
) -> dict[str, object]:
    """Medians and quartiles, and both targets: our few against their many, and the distance at few."""
    few = {name: _quartiles(made, given.few) for name, made in finished.items()}
    many = {name: _quartiles(made, given.many) for name, made in finished.items() if name != OURS}
    strongest_few = max(q["median"] for name, q in few.items() if name != OURS)
    strongest_many = max(q["median"] for q in many.values())
    ours = few[OURS]["median"]
    return provenance(seed=0, **{name: version(name) for name in ("optuna", "moocore", "scipy")}) | {
        "weights_sha256": recorded_weights(),
        "seeds": given.seeds,
        "samplers_not_run": [name for name in SAMPLERS if name not in finished],
        "objectives": [o.key for o in TASK.objectives],
        "reference": finished[OURS][0].reference,
        "device": DEVICES[0],
        "best_known": best,
        f"at_{given.few}": few,
        f"at_{given.many}": many,
        "recipes": recipes,
        "ours_at_few_over_best_plain_at_many": ours / strongest_many,
        "distance_of_ours_over_distance_of_best_plain_at_few": {
            name: (volume - ours) / (volume - strongest_few) for name, volume in best.items()
        },
        "evaluations_of_best_plain_to_reach_ours": _evaluations_to_reach(finished, ours),
    }


def _made(bench: Bench, sampler: str, given: argparse.Namespace) -> list[Run]:
    """The sampler's runs; none when its package is absent and they were not made elsewhere."""
    trials = given.few if sampler == OURS else given.many
    try:
        return list(runs(bench, sampler, given.seeds, trials, DEVICES[0]))
    except MissingExtraError as error:
        print(error)
        return []


def _recipes(bench: Bench) -> dict[str, list[tuple[float, ...]]]:
    space, evaluate = bench.space(), bench.evaluator(DEVICES[0])
    return {name: losses_of(points(space), space, evaluate, TASK) for name, points in RECIPES.items()}


def _curves(finished: dict[str, list[Run]]) -> Iterator[Row]:
    """Quartiles over the seeds after every tenth evaluation (every one of the first sixty)."""
    for name, made in finished.items():
        length = len(made[0].history)
        for evaluations in sorted({*range(1, min(60, length) + 1), *range(10, length + 1, 10)}):
            yield {"sampler": name, "evaluations": evaluations, **_quartiles(made, evaluations)}


def _quartiles(made: list[Run], evaluations: int) -> dict[str, float]:
    values = np.quantile([run.at(evaluations) for run in made], (0.25, 0.5, 0.75))
    return {name: round(float(v), 6) for name, v in zip(("lower", "median", "upper"), values, strict=True)}


def _evaluations_to_reach(finished: dict[str, list[Run]], volume: float) -> dict[str, int | None]:
    """When each plain sampler's median has what ours has at few; none: not within many."""
    medians = {n: np.median([r.history for r in made], axis=0) for n, made in finished.items() if n != OURS}
    return {n: int(np.argmax(m >= volume)) + 1 if m[-1] >= volume else None for n, m in medians.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=SAMPLERS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--few", type=int, default=60, help="evaluations of this search")
    parser.add_argument("--many", type=int, default=600, help="evaluations of every plain sampler")
    parser.add_argument("--work", type=Path, default=Path("runs/search"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
