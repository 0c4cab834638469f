"""Halves scored once and composed, against whole candidates: what is lost by scoring n + m instead of n x m.

    python -m benchmarks.composition [--halves 3] [--sentences 4] [--work runs/composition]

Random halves of the quick space, every GPT with every SoVITS. At the divergence rung a pair's score is just
that of its halves; at the speech rung (sentences in turn over four voices) a pair is predicted by the sum of
what each half loses beside the teacher's other half. Each evaluation is kept in ``--work``: stopped anywhere,
the same command goes on. Writes ``results/composition/table.csv`` and ``table.json``.
"""

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr

from autocompress.metrics.quality_loss import divergence_loss
from autocompress.pipeline.evaluation_data import EvaluationData
from autocompress.pipeline.evaluator import CandidateEvaluator
from autocompress.pipeline.fingerprints import teacher_hash
from autocompress.planner import ModelChoice
from autocompress.space import Candidate, load_space
from autocompress.study import Rung
from autocompress.transforms import gpt_part, materialize, sovits_part, teacher_dimensions
from benchmarks.provenance import REPOSITORY, provenance, write_json

RESULTS = REPOSITORY / "results" / "composition"
SEED = 0
Row = dict[str, object]


class Judge(CandidateEvaluator):
    """The pipeline's evaluator on fewer sentences; what it has heard is remembered in a file."""

    sentences: int = 8
    path: Path | None = None

    @cached_property
    def data(self) -> EvaluationData:
        whole = super().data
        return replace(whole, spoken=whole.spoken[: self.sentences])

    def loss(self, candidate: Candidate, rung: Rung) -> float:
        """``quality_loss``; NaN when the candidate cannot be scored."""
        assert self.path is not None
        known = json.loads(self.path.read_text("utf-8")) if self.path.is_file() else {}
        name = f"{rung} {candidate.id}"
        if name not in known:
            found = self(candidate, rung, SEED)
            known[name] = found.measurements["quality_loss"].value if not found.failure else float("nan")
            write_json(self.path, known)
        return float(known[name])

    def whole_divergence(self, candidate: Candidate) -> float:
        """Of a student that is made as one model, nothing of its halves remembered."""
        student = materialize(self.teacher, candidate, self.calibration)
        gpt = self.forced.score_gpt(student.gpt_half.computing())
        sovits = self.forced.score_sovits(student.sovits_half.computing())
        return divergence_loss(gpt, sovits, SEED)[1].value


def main() -> None:
    given = _arguments()
    torch.set_num_threads(1)
    judge = Judge(ModelChoice("reference"), "snapdragon-7-gen-3")
    judge.sentences = given.sentences
    judge.path = given.work / f"{teacher_hash(judge.teacher)}-{given.sentences}.json"
    gpts, sovitses = halves(judge, given.halves)
    rows = list(_rows(judge, gpts, sovitses))
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    write_json(RESULTS / "table.json", provenance(SEED, sentences=given.sentences, **summary(rows)))


def halves(judge: Judge, count: int) -> tuple[list[Candidate], list[Candidate]]:
    """``count`` random halves of each kind, all different and none the teacher's own."""
    sizes = teacher_dimensions(judge.teacher.gpt.config, judge.teacher.sovits.config)
    space, generator = load_space("quick", sizes), np.random.default_rng(SEED)
    found: tuple[dict[str, Candidate], dict[str, Candidate]] = ({}, {})
    while any(len(kind) < count for kind in found):
        candidate = space.candidate(space.random_point(generator))
        for kind, part in zip(found, (gpt_part(candidate), sovits_part(candidate)), strict=True):
            if part.values and len(kind) < count:
                kind[part.id] = part
    return list(found[0].values()), list(found[1].values())


def _rows(judge: Judge, gpts: Sequence[Candidate], sovitses: Sequence[Candidate]) -> Iterator[Row]:
    for gpt, sovits in product(gpts, sovitses):
        pair = Candidate({**gpt.values, **sovits.values})
        composed = {rung: sum(judge.loss(half, rung) for half in (gpt, sovits)) for rung in RUNGS}
        yield {
            "gpt": gpt.id,
            "sovits": sovits.id,
            "divergence_composed": composed["divergence"],
            "divergence_whole": judge.whole_divergence(pair),
            "speech_composed": composed["speech"],
            "speech_whole": judge.loss(pair, "speech"),
        }


RUNGS: tuple[Rung, ...] = ("divergence", "speech")


def summary(rows: Sequence[Row]) -> Row:
    """Errors of the composition, and how alike it ranks the pairs."""
    table = {key: np.array([float(str(row[key])) for row in rows]) for key in list(rows[0])[2:]}
    found: Row = {
        "pairs": len(rows),
        "evaluations_of_halves": len({r["gpt"] for r in rows} | {r["sovits"] for r in rows}),
    }
    for rung in RUNGS:
        composed, whole = table[f"{rung}_composed"], table[f"{rung}_whole"]
        scored = np.isfinite(composed) & np.isfinite(whole)
        error = np.abs(composed - whole)[scored]
        found[rung] = {
            "scored_pairs": int(scored.sum()),
            "mean_absolute_error": float(error.mean()),
            "largest_error": float(error.max()),
            "spread_of_whole": float(whole[scored].max() - whole[scored].min()),
            "rank_correlation": float(spearmanr(composed[scored], whole[scored]).statistic),
        }
    both = np.isfinite(table["divergence_composed"]) & np.isfinite(table["speech_whole"])
    ranks = spearmanr(table["divergence_composed"][both], table["speech_whole"][both])
    return found | {"rank_correlation_of_divergence_with_speech": float(ranks.statistic)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--halves", type=int, default=3)
    parser.add_argument("--sentences", type=int, default=4)
    parser.add_argument("--work", type=Path, default=REPOSITORY / "runs" / "composition")
    return parser.parse_args()


if __name__ == "__main__":
    main()
