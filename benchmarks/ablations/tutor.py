"""A short distillation of one half of a student: the same few steps for every point of an ablation.

As in production, training is kept only where it helps on lessons that nobody learns from.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from autocompress.metrics.teacher_forced import TeacherForcedSet
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.teacher import Teacher
from autocompress.models.training.gpt_distillation import (
    GptDistillation,
    GptDistillationRecipe,
    matched_layers,
)
from autocompress.models.training.sovits_distillation import (
    FRONT,
    VOCODER,
    SovitsDistillation,
    SovitsDistillationRecipe,
)
from autocompress.models.training.taught import Taught, TaughtSource
from autocompress.pipeline.fingerprints import teacher_hash
from autocompress.production.decisions import front_decisions, gpt_decisions, vocoder_decisions
from autocompress.production.gpt_craft import GptCraft, forced_case
from autocompress.production.sovits_craft import SovitsCraft
from autocompress.production.stage import averaged
from autocompress.production.teaching import Classroom
from autocompress.space import Candidate
from autocompress.transforms import gpt_part
from autocompress.transforms.gpt_depth import kept_layers

HELD_OUT, JUDGED_TOKENS = 3, 60
GPT_BATCH, SOVITS_BATCH = 4, 2
GPT_RATE, SOVITS_RATE = 1e-4, 3e-4
"""Below production's: the first few steps must not throw off a student that was hardly pruned."""


@dataclass(frozen=True, eq=False)
class Tutor:
    """Trains students of ``teacher`` on its ``lessons``; no sentence of the evaluation set is among them."""

    teacher: Teacher
    lessons: Sequence[Taught]
    judge: TeacherForcedSet

    @classmethod
    def of(cls, teacher: Teacher, folder: Path, n_lessons: int) -> "Tutor":
        """The lessons are spoken once and kept in ``folder``."""
        room = Classroom(teacher, teacher_hash(teacher), folder, list(teacher.voices.values()))
        taught = room.teach(room.topics(n_lessons + HELD_OUT))
        cases = [forced_case(f"lesson-{i}", row, JUDGED_TOKENS) for i, row in enumerate(taught[:HELD_OUT])]
        return cls(teacher, taught[HELD_OUT:], TeacherForcedSet.of(teacher.gpt, teacher.sovits, cases))

    def gpt(self, candidate: Candidate, student: Gpt, steps: int) -> Gpt:
        """The student after so many steps; an average over the last ones, as production takes it."""
        config = self.teacher.gpt.config
        craft = GptCraft(self.teacher.gpt, gpt_decisions(config, candidate), judge=self.judge)
        pairs = matched_layers(kept_layers(config, gpt_part(candidate)), len(config.blocks))
        recipe = GptDistillationRecipe(
            steps, batch_size=GPT_BATCH, peak_rate=GPT_RATE, warm_steps=_warm(steps)
        )
        objective = GptDistillation(
            copy.deepcopy(student),
            self.teacher.gpt,
            TaughtSource(self.lessons, 0),
            recipe,
            [(own, wanted) for own, (_, wanted) in enumerate(pairs)],
        )
        return _trained(craft, objective, student, steps)

    def sovits(self, candidate: Candidate, student: Sovits, steps: int) -> Sovits:
        """The same for the other half; only the parts that the candidate changes are trained."""
        teacher = self.teacher.sovits
        reached = student
        for part, decided in ((FRONT, front_decisions), (VOCODER, vocoder_decisions)):
            craft = SovitsCraft(teacher, decided(teacher.config, candidate), part, judge=self.judge)
            if craft.decisions.shapes_anything:
                reached = self._sovits(craft, reached, steps)
        return reached

    def _sovits(self, craft: SovitsCraft, student: Sovits, steps: int) -> Sovits:
        recipe = SovitsDistillationRecipe(
            steps,
            adversarial_from=steps,  # so few steps would teach the discriminators alone
            batch_size=SOVITS_BATCH,
            peak_rate=SOVITS_RATE,
            warm_steps=_warm(steps),
        )
        source = TaughtSource(self.lessons, 0)
        objective = SovitsDistillation(copy.deepcopy(student), source, recipe, craft.name)
        return _trained(craft, objective, student, steps)


def _warm(steps: int) -> int:
    return max(1, steps // 4)


def _trained(craft, objective, student, steps: int):
    torch.manual_seed(0)
    for step in range(steps):
        objective.step(step)
    reached = averaged(craft, objective).eval().requires_grad_(False)
    return reached if craft.loss(reached) < craft.loss(student) else student
