"""Score every half of the benchmark's space on the reference model, once, and check the composition.

    python -m benchmarks.search.record [--work runs/search]

Scores are appended to ``--work`` one by one: stopped anywhere, the same command goes on. Once every half is
scored it writes ``results/search/table.csv`` and ``table.json``.
"""

import argparse
import csv
import math
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from autocompress.metrics.quality_loss import divergence_loss
from autocompress.models.dimensions import teacher_dimensions
from autocompress.pipeline.evaluator import CandidateEvaluator
from autocompress.pipeline.fingerprints import teacher_hash
from autocompress.planner import ModelChoice
from autocompress.space import Candidate, SearchSpace, load_space
from autocompress.study import Rung
from autocompress.transforms import materialize
from benchmarks.provenance import provenance, write_json
from benchmarks.search.tabular import (
    DEVICES,
    HALVES,
    LATENCY,
    QUALITY,
    RESULTS,
    SIZE,
    SPACE,
    Row,
    TabularEvaluator,
    half,
    write_rows,
)

CHECKS = 16  # whole candidates that the composition is checked on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("runs/search"))
    parser.add_argument(
        "--seed", type=int, default=0, help="of the candidates that the composition is checked on"
    )
    given = parser.parse_args()
    evaluators = {device: CandidateEvaluator(ModelChoice("reference"), device) for device in DEVICES}
    evaluate = evaluators[DEVICES[0]]
    space = load_space(SPACE, teacher_dimensions(evaluate.teacher.gpt.config, evaluate.teacher.sovits.config))
    wanted = {name: halves(space, name) for name in HALVES}
    given.work.mkdir(parents=True, exist_ok=True)
    scores = score(evaluate, wanted, given.work / f"scores-{teacher_hash(evaluate.teacher)}.csv")
    table = dict(rows(evaluators, scores, wanted))
    write_rows(RESULTS / "table.csv", table, parts(wanted))
    write_json(RESULTS / "table.json", facts(space, evaluators, table, scores, wanted, given.seed))


def halves(space: SearchSpace, name: str) -> list[Candidate]:
    """Every half-candidate that the space can make, each once, the teacher's own first."""
    choices = [c for c in space.free if c.name.startswith(HALVES[name])]
    every = product(*(c.options for c in choices))
    points = (dict(zip((c.name for c in choices), values, strict=True)) for values in every)
    made = (half(space.candidate(space.repair(point)), name) for point in points)
    return list({c.id: c for c in (Candidate(), *made)}.values())


def parts(wanted: dict[str, list[Candidate]]) -> dict[str, str]:
    """Which part of the model each half is about."""
    return {c.id: name for name, each in wanted.items() for c in each} | {Candidate().id: "teacher"}


def score(evaluate: CandidateEvaluator, wanted: dict[str, list[Candidate]], path: Path) -> dict[str, float]:
    """Loss of each half beside the other half of the teacher; NaN where it cannot be scored."""
    known = read_scores(path)
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        for candidate in (c for each in wanted.values() for c in each if c.id not in known):
            start = time.process_time()
            seen = evaluate(candidate, "divergence", 0)
            known[candidate.id] = math.nan if seen.failure else seen.measurements[QUALITY].value
            writer.writerow([candidate.id, repr(known[candidate.id]), f"{time.process_time() - start:.3f}"])
            file.flush()
    return known


def read_scores(path: Path) -> dict[str, float]:
    """Scores so far; a line that a kill cut short is left out."""
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        return {row[0]: float(row[1]) for row in csv.reader(file) if len(row) == 3}


def rows(
    evaluators: dict[str, CandidateEvaluator], scores: dict[str, float], wanted: dict[str, list[Candidate]]
) -> Iterator[tuple[str, Row]]:
    """The table: bytes, seconds on each device, and loss of every half."""
    for candidate in (c for each in wanted.values() for c in each):
        row: Row = {QUALITY: scores[candidate.id]}
        for device, evaluate in evaluators.items():
            free = evaluate(candidate, "free", 0).measurements
            row |= {SIZE: free[SIZE].value, f"{LATENCY}@{device}": free[LATENCY].value}
        yield candidate.id, row


def facts(
    space: SearchSpace,
    evaluators: dict[str, CandidateEvaluator],
    table: dict[str, Row],
    scores: dict[str, float],
    wanted: dict[str, list[Candidate]],
    seed: int,
) -> dict[str, object]:
    """What the table holds and how far its composition can be trusted."""
    counts = {name: len(each) for name, each in wanted.items()}
    return provenance(seed=seed) | {
        "space": SPACE.name,
        "dimensions": dict(space.dimensions),
        "evaluations_by_half": counts,
        "combinations": math.prod(counts.values()),
        "failed_halves": sum(math.isnan(row[QUALITY]) for row in table.values()),
        "largest_relative_error_of_composition": composition_error(space, evaluators, table, seed),
        "whole_candidates_checked": CHECKS,
    }


def composition_error(
    space: SearchSpace, evaluators: dict[str, CandidateEvaluator], table: dict[str, Row], seed: int
) -> dict[str, float]:
    """Random candidates, made and scored as a whole, against the sum of their halves in the table."""
    generator = np.random.default_rng(seed)
    worst = dict.fromkeys((QUALITY, SIZE, LATENCY), 0.0)
    for _ in range(CHECKS):
        candidate = space.candidate(space.random_point(generator))
        for device, evaluate in evaluators.items():
            composed = TabularEvaluator(table, device)
            pairs = {k: m.value for k, m in evaluate(candidate, "free", 0).measurements.items() if k in worst}
            pairs |= {QUALITY: whole_loss(evaluate, candidate)} if device == DEVICES[0] else {}
            for key, seen in pairs.items():
                rung: Rung = "divergence" if key == QUALITY else "free"
                error = abs(composed(candidate, rung, 0).measurements[key].value / seen - 1.0)
                worst[key] = max(worst[key], error)
    return worst


def whole_loss(evaluate: CandidateEvaluator, candidate: Candidate) -> float:
    """Loss of a student that is made as one model, nothing of its halves remembered."""
    student = materialize(evaluate.teacher, candidate, evaluate.calibration)
    gpt = evaluate.forced.score_gpt(student.gpt_half.computing())
    sovits = evaluate.forced.score_sovits(student.sovits_half.computing())
    return divergence_loss(gpt, sovits, 0)[1].value


if __name__ == "__main__":
    main()
