"""How fast a student may be taught: its distance from the teacher after a short stage, by peak learning rate.

    python -m benchmarks.distillation.rates [--steps 40] [--lessons 44] [--out results/distillation]

Students are the reference model with narrower layers, pruned once, each judged on four utterances that nobody
trains on. "drawn labels": the tokens that the teacher drew are the hard labels, as those of a recording are.
Writes ``rates.csv`` and ``rates.json``; one thread, about a quarter of an hour.
"""

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from autocompress.models.teacher import Teacher, load_teacher
from autocompress.models.training.gpt_distillation import (
    GptDistillation,
    GptDistillationRecipe,
    matched_layers,
)
from autocompress.models.training.sovits_distillation import SovitsDistillation, SovitsDistillationRecipe
from autocompress.models.training.taught import TaughtSource, TokenBatch
from autocompress.pipeline.calibrated import calibrated
from autocompress.pipeline.fingerprints import teacher_hash
from autocompress.production.craft import Craft, Distillation
from autocompress.production.gpt_craft import GptCraft
from autocompress.production.settings import TrainingSettings, warm_steps
from autocompress.production.sovits_craft import SovitsCraft
from autocompress.production.speaker_embedding import speaker_network
from autocompress.production.stage import averaged
from autocompress.production.training import School, crafts_of, lessons_of
from autocompress.space import Candidate
from benchmarks.provenance import provenance, write_json

MILESTONES = 4
BATCH = 4


@dataclass(frozen=True)
class Case:
    """One student, and the rates to try on it."""

    name: str
    part: str
    candidate: Candidate
    rates: tuple[float, ...]
    drawn_labels: bool = False


class DrawnLabels(TaughtSource):
    """What the teacher drew counts as if a person had said it."""

    def gpt(self, step: int, batch_size: int) -> TokenBatch:
        batch = super().gpt(step, batch_size)
        return replace(batch, recorded=torch.ones_like(batch.recorded))


def cases(teacher: Teacher) -> list[Case]:
    blocks, sovits = teacher.gpt.config.blocks, teacher.sovits.config
    stages, couplings = sovits.upstream_vocoder.stages, sovits.couplings

    def feed_forward(share: float) -> Candidate:
        return Candidate({f"gpt.ffn.{i}": round(block.ffn * share) for i, block in enumerate(blocks)})

    def vocoder(share: float) -> Candidate:
        widths = {f"sovits.vocoder.channels.{i}": stage.channels * share for i, stage in enumerate(stages)}
        return Candidate({name: max(4, round(width / 4) * 4) for name, width in widths.items()})

    flow = Candidate({"sovits.flow.channels": round(couplings[0].hidden * 0.9)})
    return [
        Case("FFN, a twelfth less", "gpt", feed_forward(11 / 12), (2e-5, 5e-5, 1e-4, 4e-4)),
        Case("FFN, a twelfth less", "gpt", feed_forward(11 / 12), (2e-5, 5e-5), drawn_labels=True),
        Case("FFN, half", "gpt", feed_forward(0.5), (1e-4, 2e-4, 4e-4)),
        Case("flow, a tenth less", "front", flow, (2e-5, 5e-5, 1e-4, 4e-4)),
        Case("vocoder, a tenth less", "vocoder", vocoder(0.9), (5e-5, 1e-4, 2e-4, 4e-4)),
        Case("vocoder, half", "vocoder", vocoder(0.5), (1e-4, 2e-4, 4e-4)),
    ]


def taught(case: Case, school: School, steps: int) -> Iterator[dict[str, Any]]:
    """A row for each rate."""
    lessons = lessons_of(school, steps).taught
    craft = next(one for one in crafts_of(school, case.candidate, lessons) if one.name == case.part)
    start = craft.shape(craft.teacher, case.candidate)
    before = craft.loss(start)
    for rate in case.rates:
        objective = objective_of(case, craft, start, rate, steps)
        losses, since = [], time.perf_counter()
        for step in range(steps):
            objective.step(step)
            if (step + 1) % (steps // MILESTONES) == 0:
                losses.append(craft.loss(averaged(craft, objective)))
        yield {
            "student": case.name + (", drawn labels" if case.drawn_labels else ""),
            "unit": craft.unit,
            "rate": rate,
            "steps": steps,
            "before": before,
            "after": losses[-1],
            "milestones": [round(loss, 5) for loss in losses],
            "seconds": round(time.perf_counter() - since, 1),
        }


def objective_of(case: Case, craft: Craft[Any], start: Any, rate: float, steps: int) -> Distillation:
    """As production makes it, but at this rate."""
    warm: Any = {"peak_rate": rate, "warm_steps": warm_steps(steps), "batch_size": BATCH}
    if isinstance(craft, SovitsCraft):
        sovits = craft.shape(start, Candidate())
        recipe = SovitsDistillationRecipe(steps, adversarial_from=steps, **warm)
        embed = speaker_network(sovits.config.audio.sample_rate_hz)
        return SovitsDistillation(sovits, craft.source, recipe, craft.name, embed)
    assert isinstance(craft, GptCraft)
    gpt = craft.shape(start, Candidate())
    source = DrawnLabels(craft.source.utterances, 0) if case.drawn_labels else craft.source
    pairs = matched_layers(craft.layers, len(gpt.config.blocks))
    return GptDistillation(gpt, craft.teacher, source, GptDistillationRecipe(steps, **warm), pairs)


def write(rows: list[dict[str, Any]], out: Path) -> None:
    """rates.json with where it comes from, rates.csv for reading."""
    out.mkdir(parents=True, exist_ok=True)
    what = "distance from the teacher on held-out utterances, before and after a short stage, by peak rate"
    write_json(out / "rates.json", {"what": what, **provenance(0), "rows": rows})
    with (out / "rates.csv").open("w", newline="") as file:
        table = csv.DictWriter(
            file, ("student", "unit", "rate", "steps", "before", "after"), extrasaction="ignore"
        )
        table.writeheader()
        table.writerows({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in r.items()} for r in rows)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--steps", type=int, default=40)
    options.add_argument("--lessons", type=int, default=44)
    options.add_argument("--work", type=Path, default=Path("runs/rates"))
    options.add_argument("--out", type=Path, default=Path("results/distillation"))
    asked = options.parse_args()
    torch.set_num_threads(1)
    teacher = load_teacher("reference")
    voices = [teacher.voices[name] for name in sorted(teacher.voices)[:8]]
    settings = TrainingSettings(asked.steps, n_lessons=asked.lessons, gpt_batch=BATCH, sovits_batch=BATCH)
    school = School(teacher, teacher_hash(teacher), voices, asked.work, settings, calibrated(teacher))
    rows: list[dict[str, Any]] = []
    for case in cases(teacher):
        for row in taught(case, school, asked.steps):
            print(row, file=sys.stderr, flush=True)
            rows.append(row)
            write(rows, asked.out)


if __name__ == "__main__":
    main()
