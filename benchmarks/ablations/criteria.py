"""Which importance picks the units to remove: magnitude, activation or first-order Taylor, by divergence.

    python -m benchmarks.ablations.criteria [--voices 8] [--sentences 4]

Every pruning technique alone, at three strengths, with its units chosen by each criterion (low rank: plain,
or weighed by what the matrices read); calibrated on the prompts of ``--voices`` voices, judged on the
evaluation set's first sentences, which are none of these.
Writes ``criteria.csv`` and ``criteria.json`` to ``results/ablations``; nothing is trained.
"""

import argparse
import csv
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from autocompress.metrics.teacher_forced import HalfScore, TeacherForcedSet
from autocompress.models.teacher import Teacher, load_teacher
from autocompress.pipeline.calibrated import calibration_voices
from autocompress.transforms import (
    CRITERIA,
    Calibration,
    gpt_calibration,
    gpt_importance,
    materialize_gpt,
    materialize_sovits,
    sovits_calibration,
    sovits_importance,
)
from benchmarks.ablations.cases import estimates, teacher_forced_set
from benchmarks.ablations.strengths import Point, points
from benchmarks.provenance import REPOSITORY, provenance, write_json

RESULTS = REPOSITORY / "results" / "ablations"
STRENGTHS = ("0.25", "0.5", "0.75")
TECHNIQUES = (
    "gpt.heads", "gpt.ffn", "gpt.rank",
    "sovits.prior.ssl.ffn", "sovits.prior.text.heads", "sovits.prior.text.ffn", "sovits.prior.text.depth",
    "sovits.prior.encoder2.ffn",
    "sovits.flow.channels", "sovits.flow.wn_layers", "sovits.vocoder.pre", "sovits.vocoder.channels",
)  # fmt: skip
JUDGED_BY = {"gpt": "kl", "sovits": "mel_distance"}
COLUMNS = ("technique", "strength", "criterion", "metric", "value", "low", "high")
Row = dict[str, object]


def main() -> None:
    given = _arguments()
    torch.set_num_threads(1)
    teacher = load_teacher("reference")
    calibrations, seconds = _calibrations(teacher, given.voices)
    judge = teacher_forced_set(teacher, given.sentences, 4)
    rows = list(_rows(teacher, calibrations, judge))
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "criteria.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    facts = provenance(seed=0, calibration_voices=given.voices, sentences=given.sentences)
    write_json(RESULTS / "criteria.json", facts | {"calibration_cpu_s": seconds, **summary(rows)})


def _calibrations(teacher: Teacher, n_voices: int) -> tuple[dict[str, Calibration], dict[str, float]]:
    voices, inter = calibration_voices(teacher, n_voices), teacher.sovits.config.inter
    done, seconds = {}, {}
    for criterion in CRITERIA:
        begin = time.process_time()
        chosen = () if criterion == "magnitude" else voices  # weights alone: low rank is plain SVD then
        done[criterion] = Calibration(
            gpt_importance(teacher.gpt, gpt_calibration(chosen), criterion),
            sovits_importance(teacher.sovits, sovits_calibration(chosen, inter), criterion),
        )
        seconds[criterion] = round(time.process_time() - begin, 2)
    return done, seconds


def _rows(teacher: Teacher, by: dict[str, Calibration], judge: TeacherForcedSet) -> Iterator[Row]:
    sentences = [case.sentence for case in judge.cases]
    for point in points(teacher.gpt.config, teacher.sovits.config):
        if point.technique not in TECHNIQUES or point.strength not in STRENGTHS:
            continue
        print(point.technique, point.strength, file=sys.stderr, flush=True)
        for criterion, calibration in by.items():
            scored = dict(estimates(_scored(teacher, point, calibration, judge), sentences))
            metric = JUDGED_BY[point.half]
            found = scored[metric]
            numbers = {k: f"{getattr(found, k):.5g}" for k in ("value", "low", "high")}
            yield {"technique": point.technique, "strength": point.strength, "criterion": criterion,
                   "metric": metric, **numbers}  # fmt: skip


def _scored(teacher: Teacher, point: Point, by: Calibration, judge: TeacherForcedSet) -> HalfScore:
    if point.half == "gpt":
        return judge.score_gpt(materialize_gpt(teacher.gpt, point.candidate, by.gpt).network)
    return judge.score_sovits(materialize_sovits(teacher.sovits, point.candidate, by.sovits).network)


def summary(rows: Sequence[Row]) -> dict[str, object]:
    """By half: each criterion's divergence over magnitude's (geometric mean), and how often it is best."""
    by_point: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in rows:
        by_point[(str(row["technique"]), str(row["strength"]))][str(row["criterion"])] = float(
            str(row["value"])
        )
    found = {}
    for half in JUDGED_BY:
        values = [v for (technique, _), v in by_point.items() if technique.startswith(half)]
        table = np.array([[v[c] for c in CRITERIA] for v in values])  # [point, criterion]
        ratios = np.exp(np.log(table / table[:, :1]).mean(axis=0))
        wins = np.bincount(table.argmin(axis=1), minlength=len(CRITERIA))
        found[half] = {
            "over_magnitude": dict(zip(CRITERIA, ratios.round(3).tolist(), strict=True)),
            "best_at": dict(zip(CRITERIA, wins.tolist(), strict=True)),
            "points": len(values),
        }
    return {"summary": found}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--voices", type=int, default=8)
    parser.add_argument("--sentences", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
