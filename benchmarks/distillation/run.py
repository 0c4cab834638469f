"""What a short distillation recovers: students of the reference model before and after, case by case.

    python benchmarks/distillation/run.py --steps 200 --out results/distillation

Each case changes one thing. Scores are teacher-forced on the evaluation set's sentences, which nobody trains
on: KL in nats a token for the GPT, mel distance in dB for SoVITS; zero is the teacher. A killed run goes on.
"""

import argparse
import csv
import hashlib
import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autocompress.metrics.teacher_forced import TeacherForcedSet
from autocompress.models.reference import GPT, SOVITS
from autocompress.models.teacher import Teacher, load_teacher
from autocompress.pipeline.calibrated import calibrated
from autocompress.pipeline.evaluation_data import evaluation_data
from autocompress.pipeline.fingerprints import teacher_hash
from autocompress.production.settings import TrainingSettings
from autocompress.production.training import School, Trained, train_student
from autocompress.space import Candidate, Value
from autocompress.transforms import materialize_gpt, materialize_sovits


@dataclass(frozen=True)
class Case:
    """One thing done to the teacher."""

    name: str
    part: str
    decisions: Mapping[str, Value]


def cases(teacher: Teacher) -> list[Case]:
    """Half of the depth, narrower layers, integers, a narrower vocoder, a lighter front."""
    blocks, vocoder = teacher.gpt.config.blocks, teacher.sovits.config.upstream_vocoder
    layers = range(len(blocks))
    integers = {f"storage.gpt.{part}.{i}": "int4" for i in layers for part in ("attention", "ffn")}
    narrow = {f"gpt.ffn.{i}": blocks[i].ffn // 2 for i in layers}
    stages = list(enumerate(vocoder.stages))
    halved = {f"sovits.vocoder.channels.{s}": stage.channels // 2 for s, stage in stages}
    single = {f"sovits.vocoder.kernels.{s}": "3" for s, _ in stages}
    couplings = len(teacher.sovits.config.couplings) - 1
    return [
        Case("GPT: every second layer", "gpt", {f"gpt.keep.{i}": False for i in layers if i % 2}),
        Case("GPT: FFN at half width", "gpt", narrow),
        Case("GPT: int4 and dynamic int8", "gpt", integers | _dynamic(integers)),
        Case("Vocoder: half its channels", "vocoder", halved | {"sovits.vocoder.pre": vocoder.channels // 2}),
        Case("Vocoder: one kernel a stage", "vocoder", single),
        Case("Flow: one coupling less", "front", {"sovits.flow.couplings": couplings}),
    ]


def _dynamic(storage: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("storage.", "compute.", 1): "dynamic-int8" for name in storage}


def measure(teacher: Teacher, case: Case, judge: TeacherForcedSet, school: School) -> dict[str, Any]:
    """One row: the score before any training and after it."""
    candidate = Candidate(case.decisions)
    since = time.perf_counter()
    trained = train_student(school, candidate)
    seconds = time.perf_counter() - since
    before = delivered_scores(teacher, candidate, judge, case.part, school)
    after = trained_scores(trained, case.part, judge, candidate)
    part = next(p for p in trained.parts if p.name == case.part)
    return {
        "case": case.name,
        "unit": "KL nats a token" if case.part == "gpt" else "mel distance dB",
        "before": float(np.mean(before)),
        "after": float(np.mean(after)),
        "recovered": 1 - float(np.mean(after) / np.mean(before)),
        "before_by_sentence": [round(float(v), 5) for v in before],
        "after_by_sentence": [round(float(v), 5) for v in after],
        "held_out_before": part.untrained_loss,
        "held_out_after": part.trained_loss,
        "kept": "trained" if part.trained else "untrained",
        "steps": part.steps,
        "stages": list(part.stages),
        "notes": list(part.notes),
        "wall_seconds": round(seconds, 1),
    }


def delivered_scores(
    teacher: Teacher, candidate: Candidate, judge: TeacherForcedSet, part: str, school: School
) -> list[float]:
    """Of the untrained student as the search scores it."""
    chosen = school.calibration
    assert chosen is not None
    if part == "gpt":
        return _gpt(judge, materialize_gpt(teacher.gpt, candidate, chosen.gpt).computing())
    return _sovits(judge, materialize_sovits(teacher.sovits, candidate, chosen.sovits).computing())


def trained_scores(trained: Trained, part: str, judge: TeacherForcedSet, candidate: Candidate) -> list[float]:
    """Of the trained student as delivered; no case both drops layers and narrows precision."""
    precision = candidate.part(("storage", "compute"))
    if part == "gpt":
        return _gpt(judge, materialize_gpt(trained.student.gpt, precision).computing())
    return _sovits(judge, materialize_sovits(trained.student.sovits, precision).computing())


def _gpt(judge: TeacherForcedSet, network: Any) -> list[float]:
    return list(judge.score_gpt(network).values["kl"])


def _sovits(judge: TeacherForcedSet, network: Any) -> list[float]:
    return list(judge.score_sovits(network).values["mel_distance"])


def weights() -> dict[str, str]:
    """The files that this run starts from."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in (GPT, SOVITS)}


def earlier(out: Path, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the same weights that an earlier run with other cases has left in ``out``."""
    path = out / "recovery.json"
    if not path.is_file():
        return []
    document = json.loads(path.read_text("utf-8"))
    same = document["weights"] == facts["weights"] and document["seed"] == facts["seed"]
    return document["rows"] if same else []


def write(rows: list[dict[str, Any]], facts: Mapping[str, Any], out: Path) -> None:
    """recovery.json with its provenance, recovery.csv for reading."""
    document = {
        "what": "teacher-forced distance from the teacher on evaluation sentences, before and after training",
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, 1 thread",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        **facts,
        "command": shlex.join(["python", *sys.argv]),
        "rows": rows,
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "recovery.json").write_text(json.dumps(document, indent=1), "utf-8")
    keys = ("case", "unit", "steps", "before", "after", "recovered", "kept")
    with (out / "recovery.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, keys, extrasaction="ignore")
        table.writeheader()
        table.writerows(
            {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows
        )


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--steps", type=int, default=200)
    options.add_argument("--lessons", type=int, default=48)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", default="", help="cases whose name holds this")
    options.add_argument("--work", type=Path, default=Path("runs/distillation"))
    options.add_argument("--out", type=Path, default=Path("results/distillation"))
    asked = options.parse_args()
    torch.set_num_threads(1)
    facts = {"weights": weights(), "seed": asked.seed}
    teacher = load_teacher("reference")
    judge = TeacherForcedSet.of(teacher.gpt, teacher.sovits, evaluation_data(teacher).forced)
    settings = TrainingSettings(asked.steps, seed=asked.seed, n_lessons=asked.lessons)
    voices = [teacher.voices[name] for name in sorted(teacher.voices)[:8]]
    school = School(teacher, teacher_hash(teacher), voices, asked.work, settings, calibrated(teacher), told)
    for case in (case for case in cases(teacher) if asked.only in case.name):
        row = measure(teacher, case, judge, school) | {
            "lessons": asked.lessons,
            "command": shlex.join(sys.argv),
        }
        print(json.dumps({k: v for k, v in row.items() if "by_sentence" not in k}), flush=True)
        others = [known for known in earlier(asked.out, facts) if known["case"] != case.name]
        write([*others, row], facts, asked.out)


def told(stage: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {stage}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
