"""What each technique costs and buys, alone: divergence from the teacher at five strengths, as curves.

    python -m benchmarks.ablations.run [--sentences 8] [--gpt-steps 20] [--sovits-steps 12] [--only gpt.ffn]
    python -m benchmarks.ablations.run --gpt-steps 0 --sovits-steps 0          # before distillation only

Teacher-forced: both halves are fed the teacher's own tokens and noise. Each pruned student is scored as it is
and after a short distillation, so many steps for all; storage is scored as it is. Bytes and seconds
are those of the whole model with this one change, as predicted for ``--device``. A point that is measured is
kept in ``--work``: stopped anywhere, the same command goes on. Writes ``curves.csv``, ``curves.json`` and the
figures to ``results/ablations``; intervals are 90 % over sentences.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from autocompress.hardware.library import load_profile
from autocompress.metrics.cost import CostModel
from autocompress.metrics.teacher_forced import HalfScore, TeacherForcedSet
from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.teacher import Teacher, load_teacher
from autocompress.pipeline.calibrated import calibrated
from autocompress.pipeline.fingerprints import teacher_hash
from autocompress.space import Candidate
from autocompress.transforms import Calibration, materialize_gpt, materialize_sovits
from autocompress.transforms.building import build_gpt, build_sovits
from autocompress.transforms.importance import UNSEEN
from autocompress.transforms.technique import Model
from autocompress.transforms.unstructured import UnstructuredL1
from benchmarks.ablations.cases import estimates, teacher_forced_set
from benchmarks.ablations.publish import publish
from benchmarks.ablations.strengths import Point, points
from benchmarks.ablations.tutor import Tutor
from benchmarks.provenance import REPOSITORY, provenance

SPARSE = (0.1, 0.3, 0.5, 0.7, 0.9)
Row = dict[str, object]


@dataclass(frozen=True)
class Task:
    """One point to be measured; ``steps`` of distillation, 0 for none."""

    technique: str
    half: str
    strength: str
    candidate: Candidate
    steps: int = 0
    sparse: float = 0.0

    @property
    def name(self) -> str:
        whose = f" {self.half}" if self.sparse else ""  # the others say it themselves
        return f"{self.technique}{whose} {self.strength} {self.steps}"


@dataclass(frozen=True, eq=False)
class Laboratory:
    """A teacher with all that its students are made from and judged by."""

    teacher: Teacher
    judge: TeacherForcedSet
    calibration: Calibration
    costs: CostModel
    work: Path

    @cached_property
    def tutor(self) -> Tutor:
        return Tutor.of(self.teacher, self.work / "lessons", n_lessons=24)

    def measure(self, task: Task) -> Row:
        """Costs of the whole model with this change, and every metric of the changed half."""
        begin = time.process_time()
        scored = self._score(task)
        cost = self.costs.cost(task.candidate)
        found = estimates(scored, [case.sentence for case in self.judge.cases])
        return {
            "technique": task.technique,
            "half": task.half,
            "strength": task.strength,
            "gives_speed": not task.sparse,
            "distillation_steps": task.steps,
            "size_mb": cost.size_bytes / 1e6,
            "latency_s": cost.latency.total.median_s,
            "failure": scored.failure,
            "metrics": {name: [e.value, e.low, e.high] for name, e in found},
            "cpu_s": round(time.process_time() - begin, 2),
        }

    def _score(self, task: Task) -> HalfScore:
        if task.half == "gpt":
            return self.judge.score_gpt(self._gpt(task))
        return self.judge.score_sovits(self._sovits(task))

    def _gpt(self, task: Task) -> Gpt:
        if task.sparse:
            model = Model(self.teacher.gpt.config, self.teacher.gpt.state_dict())
            made = UnstructuredL1[GptConfig](task.sparse)(model, Candidate(), UNSEEN).model
            return build_gpt(made.config, made.weights)
        student = materialize_gpt(self.teacher.gpt, task.candidate, self.calibration.gpt).network
        return self.tutor.gpt(task.candidate, student, task.steps) if task.steps else student

    def _sovits(self, task: Task) -> Sovits:
        if task.sparse:
            model = Model(self.teacher.sovits.config, self.teacher.sovits.state_dict())
            made = UnstructuredL1[SovitsConfig](task.sparse)(model, Candidate(), UNSEEN).model
            return build_sovits(made.config, made.weights)
        student = materialize_sovits(self.teacher.sovits, task.candidate, self.calibration.sovits).network
        return self.tutor.sovits(task.candidate, student, task.steps) if task.steps else student


def main() -> None:
    given = _arguments()
    torch.set_num_threads(1)
    laboratory = _laboratory(given)
    path = given.work / f"{teacher_hash(laboratory.teacher)}-{given.sentences}.jsonl"
    known = _known(path)
    tasks = list(_tasks(laboratory.teacher, given))
    for done, task in enumerate(tasks, 1):
        if task.name not in known:
            known[task.name] = laboratory.measure(task)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([task.name, known[task.name]]) + "\n")
            print(f"{done}/{len(tasks)} {task.name}: {known[task.name]['cpu_s']} s", file=sys.stderr)
    rows = [known[task.name] for task in tasks]
    facts = provenance(0, device=given.device, sentences=given.sentences, **_steps(given))
    publish(laboratory.measure(Task("teacher", "gpt", "0", Candidate())), rows, facts)


def _laboratory(given: argparse.Namespace) -> Laboratory:
    teacher = load_teacher("reference")
    costs = CostModel(teacher.gpt.config, teacher.sovits.config, load_profile(given.device))
    judge = teacher_forced_set(teacher, given.sentences, 4)
    given.work.mkdir(parents=True, exist_ok=True)
    return Laboratory(teacher, judge, calibrated(teacher), costs, given.work)


def _tasks(teacher: Teacher, given: argparse.Namespace) -> Iterator[Task]:
    """First everything as it is, then what training mends, the middle strengths first."""
    every = list(points(teacher.gpt.config, teacher.sovits.config))
    wanted = [p for p in every if not given.only or p.technique in given.only]
    yield from (_task(point) for point in wanted)
    if not given.only:
        for half in ("gpt", "sovits"):
            for ratio in SPARSE:
                yield Task(UnstructuredL1.name, half, f"{ratio:g}", Candidate(), sparse=ratio)
    steps = _steps(given)
    order = {strength: i for i, strength in enumerate(("0.5", "0.25", "0.75", "0.375", "0.125"))}
    pruned = [p for p in wanted if p.strength in order and steps[f"{p.half}_steps"]]
    for point in sorted(pruned, key=lambda p: order[p.strength]):
        yield _task(point, steps[f"{point.half}_steps"])


def _task(point: Point, steps: int = 0) -> Task:
    return Task(point.technique, point.half, point.strength, point.candidate, steps)


def _steps(given: argparse.Namespace) -> dict[str, int]:
    return {"gpt_steps": given.gpt_steps, "sovits_steps": given.sovits_steps}


def _known(path: Path) -> dict[str, Row]:
    """What was measured; a last line that a kill cut short is measured again."""
    rows: dict[str, Row] = {}
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            name, row = json.loads(line)
        except ValueError:
            continue
        rows[name] = row
    return rows


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sentences", type=int, default=8)
    parser.add_argument("--gpt-steps", type=int, default=20)
    parser.add_argument("--sovits-steps", type=int, default=12)
    parser.add_argument("--only", nargs="+", default=(), help="techniques")
    parser.add_argument("--device", default="snapdragon-7-gen-3")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "runs" / "ablations")
    return parser.parse_args()


if __name__ == "__main__":
    main()
