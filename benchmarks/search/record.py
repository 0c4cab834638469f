"""Record every half of the quick space (or a random share of each) through a real evaluator, once.

    python benchmarks/search/record.py --evaluate package.module:name --dimensions teacher.json --out
    table.csv

Runs again where it was stopped: halves that are in the table are left alone.
"""

import argparse
import json
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from pathlib import Path

import numpy as np
from tabular import HALVES, KEYS, TabularEvaluator, half

from autocompress.space import Candidate, SearchSpace, load_space
from autocompress.study import Evaluate


def halves(space: SearchSpace, name: str, limit: int) -> Iterator[Candidate]:
    """Every half-candidate of ``name`` that the space can make, at most ``limit`` of them, drawn evenly."""
    choices = [c for c in space.free if c.component == name]
    recipe = {"recipe.steps": space.by_name["recipe.steps"].options[-1]}
    every = list(product(*(c.options for c in choices)))
    order = np.random.default_rng(0).permutation(len(every))[:limit]
    for values in (every[i] for i in order):
        point = dict(zip((c.name for c in choices), values, strict=True)) | recipe
        yield half(space.candidate(space.repair(point)), name)


def record(space: SearchSpace, evaluate: Evaluate, path: Path, limit: int) -> None:
    table = TabularEvaluator.read(path) if path.is_file() else TabularEvaluator({})
    for candidate in [Candidate(), *(c for name in HALVES for c in halves(space, name, limit))]:
        if candidate.id in table.rows:
            continue
        seen = {r: evaluate(candidate, r, 0) for r in ("free", "divergence")}
        if any(s.failure for s in seen.values()):
            continue
        values = {k: m.value for s in seen.values() for k, m in s.measurements.items()}
        table.rows[candidate.id] = {k: values[k] for k in KEYS}
        if len(table.rows) % 20 == 0:
            table.write(path)
    table.write(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--evaluate", required=True, help="module:name of an Evaluate")
    parser.add_argument("--dimensions", type=Path, required=True, help="the teacher's dimensions as JSON")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=4000, help="halves of each kind")
    arguments = parser.parse_args()
    module, _, name = arguments.evaluate.partition(":")
    space = load_space("quick", json.loads(arguments.dimensions.read_text()))
    record(space, getattr(import_module(module), name), arguments.out, arguments.limit)


if __name__ == "__main__":
    main()
