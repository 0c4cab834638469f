"""What taking over gives: students cut or rounded with and without a calibration set, none of them trained.

    python -m benchmarks.reconstruction [--out results/reconstruction]

Without one, the units of least magnitude are cut and weights rounded to the nearest. Judged as a search
judges, on utterances of the teacher, none of which is a part of the calibration set (the voices' prompts).
Writes ``table.csv`` and ``table.json``; two minutes.
"""

import argparse
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from autocompress.metrics.teacher_forced import TeacherForcedSet
from autocompress.models.teacher import Teacher, load_teacher
from autocompress.pipeline.calibrated import GPT_VOICES, SOVITS_VOICES, calibrated
from autocompress.pipeline.evaluation_data import evaluation_data
from autocompress.space import Candidate, Value
from autocompress.transforms import gpt_importance, materialize_gpt, materialize_sovits, sovits_importance
from benchmarks.provenance import REPOSITORY, provenance, write_json

Decided = Mapping[str, Value]
SOVITS_PARTS = ("prior", "flow", "vocoder")


def gpt_students(teacher: Teacher) -> dict[str, Decided]:
    """Names and decisions of the GPT's students."""
    layers, block = range(len(teacher.gpt.config.blocks)), teacher.gpt.config.blocks[0]
    int4: dict[str, Value] = {
        f"storage.gpt.{part}.{i}": "int4" for i in layers for part in ("attention", "ffn")
    }
    found: dict[str, Decided] = {
        f"FFN, {removed} less": {f"gpt.ffn.{i}": block.ffn - round(share * block.ffn) for i in layers}
        for removed, share in (("a twelfth", 1 / 12), ("a quarter", 1 / 4), ("half", 1 / 2))
    }
    found["heads, one less"] = {f"gpt.heads.{i}": block.heads - 1 for i in layers}
    found["FFN, rank 128"] = {f"gpt.rank.{i}": 128 for i in layers}
    return found | {"int4": int4, "int4, FFN a twelfth less": {**found["FFN, a twelfth less"], **int4}}


def sovits_students(teacher: Teacher) -> dict[str, Decided]:
    """Names and decisions of the SoVITS students."""
    config = teacher.sovits.config
    flow, stages = config.couplings[0].hidden, config.upstream_vocoder.stages
    found: dict[str, Decided] = {
        f"flow channels, {removed} less": {"sovits.flow.channels": round(share * flow)}
        for removed, share in (("a quarter", 3 / 4), ("half", 1 / 2))
    }
    for removed, share in (("a tenth", 0.9), ("a quarter", 0.75), ("half", 0.5)):
        found[f"vocoder channels, {removed} less"] = {
            f"sovits.vocoder.channels.{s}": int(share * stage.channels) for s, stage in enumerate(stages)
        }
    found["vocoder, a quarter less before upsampling"] = {
        "sovits.vocoder.pre": round(0.75 * config.upstream_vocoder.channels)
    }
    found["prior FFN, a quarter less"] = {
        f"sovits.prior.{encoder}.ffn": round(0.75 * config.prior.ssl_blocks[0].ffn)
        for encoder in ("ssl", "text", "encoder2")
    }
    for part in SOVITS_PARTS:
        found[f"int4, {part}"] = {f"storage.sovits.{part}": "int4"}
    return found


def rows(teacher: Teacher, judge: TeacherForcedSet) -> Iterator[dict[str, object]]:
    seen = calibrated(teacher)
    assert seen.gpt is not None
    assert seen.sovits is not None
    for name, decided in gpt_students(teacher).items():
        both = [
            judge.score_gpt(materialize_gpt(teacher.gpt, Candidate(decided), by).network).mean("kl")
            for by in (gpt_importance(teacher.gpt), seen.gpt)
        ]
        yield row("GPT", name, "KL nats a token", both)
    for name, decided in sovits_students(teacher).items():
        both = [
            judge.score_sovits(materialize_sovits(teacher.sovits, Candidate(decided), by).network).mean(
                "mel_distance"
            )
            for by in (sovits_importance(teacher.sovits), seen.sovits)
        ]
        yield row("SoVITS", name, "mel distance dB", both)


def row(half: str, student: str, unit: str, both: list[float]) -> dict[str, object]:
    told = {"half": half, "student": student, "unit": unit, "cut": both[0], "taken_over": both[1]}
    print(f"{half:6s} {student:44s} {both[0]:8.4g} {both[1]:8.4g}", flush=True)
    return {**told, "left": both[1] / both[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=REPOSITORY / "results" / "reconstruction")
    given = parser.parse_args()
    teacher = load_teacher("reference")
    judge = TeacherForcedSet.of(teacher.gpt, teacher.sovits, evaluation_data(teacher).forced)
    found = list(rows(teacher, judge))
    facts = provenance(0, threads=torch.get_num_threads(), gpt_voices=GPT_VOICES, sovits_voices=SOVITS_VOICES)
    write_json(given.out / "table.json", facts | {"rows": found})
    with (given.out / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in r.items()} for r in found)


if __name__ == "__main__":
    main()
