"""A candidate's student trained by its teacher: lessons, the schedule of every part, and what came of it.

Three parts are taught apart: the GPT, SoVITS up to its vocoder's latents, and the vocoder.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from autocompress.errors import RunError
from autocompress.metrics.teacher_forced import TeacherForcedSet
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.teacher import Teacher
from autocompress.models.training.sovits_distillation import FRONT, VOCODER
from autocompress.models.training.taught import Taught, TaughtSource
from autocompress.models.training.trainer import Progress
from autocompress.models.voice import Voice
from autocompress.production.assembly import ShapedStudent, shaped_student
from autocompress.production.craft import Craft
from autocompress.production.decisions import (
    front_decisions,
    gpt_decisions,
    sovits_decisions,
    vocoder_decisions,
)
from autocompress.production.gpt_craft import GptCraft, calibration_batch, forced_case
from autocompress.production.lessons import LessonPlan, Lessons
from autocompress.production.schedule import PartResult, seconds_per_step, train_part
from autocompress.production.settings import LEAST_STEPS, Recipe, TrainingSettings, Within
from autocompress.production.sovits_craft import UNHEARD_DB, SovitsCraft, spoken_batch
from autocompress.production.teaching import Classroom
from autocompress.space import Candidate
from autocompress.transforms import Calibration, gpt_part, materialize_gpt, materialize_sovits
from autocompress.transforms.building import with_vocoder
from autocompress.transforms.gpt_depth import kept_layers

JUDGED_TOKENS = 60  # of a held-out utterance: 2.4 s
_GPT_CALIBRATION, _SOVITS_CALIBRATION = 24, 16  # lessons; every round of pruning looks at them anew

Stage = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class School:
    """Where a candidate is trained: ``folder`` of the run's training, the teacher and whom it speaks as.

    ``calibration`` chooses the units of the untrained student, as the search has chosen them. What the
    teacher says is kept in ``lessons``, by default inside of ``folder``.
    """

    teacher: Teacher
    teacher_id: str
    voices: Sequence[Voice]
    folder: Path
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    calibration: Calibration | None = None
    stage: Stage = lambda _: None
    lessons: Path | None = None
    speaker_id: str = ""  # of the weights that the lessons are spoken with; as ``teacher_id`` where unnamed


@dataclass(frozen=True, eq=False)
class Trained:
    """The student in full precision, and what training did to each part (none: it was not trained)."""

    student: ShapedStudent
    parts: tuple[PartResult[Any], ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {"note": self.note, "parts": [part.to_dict() for part in self.parts]}


@dataclass(frozen=True, eq=False)
class Delivered:
    """Both networks as they read and compute on the device; for evaluation only."""

    gpt: Gpt
    sovits: Sovits


def as_delivered(teacher: Teacher, trained: Trained) -> Delivered:
    """What ``trained`` will be once its weights are stored and its kernels narrow."""
    student = trained.student
    gpt = gpt_decisions(teacher.gpt.config, student.candidate).precision
    sovits = sovits_decisions(teacher.sovits.config, student.candidate).precision
    return Delivered(
        materialize_gpt(student.gpt, gpt).computing(), materialize_sovits(student.sovits, sovits).computing()
    )


def train_student(school: School, candidate: Candidate) -> Trained:
    """The candidate's student, trained as its recipe and the settings say; resumes from the folder.

    Raises RunError when a file cannot be written; what was finished stays.
    """
    untrained = shaped_student(school.teacher, candidate, school.calibration)
    wished = Recipe.of(candidate).wished(school.settings.steps)
    if wished == 0:
        return Trained(untrained, note=_switched_off(Recipe.of(candidate)))
    if not any(needs_training(school.teacher, candidate, new_vocoder=school.settings.new_vocoder)):
        return Trained(untrained, note="nothing to train: every weight is the teacher's own")
    with threads(school.settings.threads):
        return _Course(school, candidate, untrained, wished).run()


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """So many threads of torch for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _switched_off(recipe: Recipe) -> str:
    missing = f"; the recipe's {recipe.steps} steps were not run" if recipe.steps else ""
    return f"training was switched off{missing}"


def needs_training(teacher: Teacher, candidate: Candidate, *, new_vocoder: bool = False) -> tuple[str, ...]:
    """The parts that differ from the teacher in what training can mend."""
    gpt, sovits = teacher.gpt, teacher.sovits
    crafts: list[Craft[Any]] = [
        GptCraft(gpt, gpt_decisions(gpt.config, candidate)),
        SovitsCraft(sovits, front_decisions(sovits.config, candidate), FRONT),
        SovitsCraft(sovits, vocoder_decisions(sovits.config, candidate, new=new_vocoder), VOCODER),
    ]
    return tuple(craft.name for craft in crafts if craft.trains)


def lessons_of(school: School, steps: int, known: int | None = None) -> Lessons:
    """What a training of so many steps learns from; ``known``: as many topics as an earlier run took."""
    folder = school.lessons or school.folder / "lessons"
    speaker = school.speaker_id or school.teacher_id
    room = Classroom(school.teacher, speaker, folder, school.voices, school.settings.seed)
    return LessonPlan(school.settings, steps, known, school.stage).taken(room)


def crafts_of(school: School, candidate: Candidate, lessons: Sequence[Taught]) -> list[Craft[Any]]:
    """Every part, taught by all but the first lessons, which judge."""
    teacher, settings = school.teacher, school.settings
    kept_out, taught = lessons[: settings.n_held_out], lessons[settings.n_held_out :]
    cases = [forced_case(f"lesson-{i}", row, JUDGED_TOKENS) for i, row in enumerate(kept_out)]
    judge = TeacherForcedSet.of(teacher.gpt, teacher.sovits, cases)
    source = TaughtSource(taught, settings.seed)
    gpt = GptCraft(
        teacher.gpt,
        gpt_decisions(teacher.gpt.config, candidate),
        layers=kept_layers(teacher.gpt.config, gpt_part(candidate)),
        source=source,
        judge=judge,
        calibration=[calibration_batch(row) for row in taught[:_GPT_CALIBRATION]],
        recipe=Recipe.of(candidate),
        batch_size=settings.gpt_batch,
    )
    front = SovitsCraft(
        teacher.sovits,
        front_decisions(teacher.sovits.config, candidate),
        FRONT,
        unheard=UNHEARD_DB,
        source=source,
        judge=judge,
        calibration=[spoken_batch(row, JUDGED_TOKENS) for row in taught[:_SOVITS_CALIBRATION]],
        batch_size=settings.sovits_batch,
    )
    decided = vocoder_decisions(teacher.sovits.config, candidate, new=settings.new_vocoder)
    return [gpt, front, replace(front, name=VOCODER, decisions=decided, unheard=0.0)]


class _Course:
    """One training of one candidate in its own folder."""

    def __init__(self, school: School, candidate: Candidate, untrained: ShapedStudent, wished: int) -> None:
        self._school, self._candidate, self._untrained, self._wished = school, candidate, untrained, wished
        self._settings = school.settings
        self._folder = school.folder / f"{candidate.id}-{self._address()}"
        self._since = time.monotonic()

    def run(self) -> Trained:
        self._folder.mkdir(parents=True, exist_ok=True)
        lessons = self._lessons()
        crafts = crafts_of(self._school, self._candidate, lessons)
        steps = self._steps([craft for craft in crafts if craft.trains])
        parts = [self._part(craft, steps[craft.name]) for craft in crafts if steps.get(craft.name)]
        student = self._untrained
        for part in parts:
            student = student.with_part(part.name, part.network)
        trained = Trained(student, tuple(parts), self._note(steps))
        _write_json(self._folder / "summary.json", trained.to_dict())
        return trained

    def _part(self, craft: Craft[Any], steps: int) -> PartResult[Any]:
        self._school.stage(f"training the {craft.name}: {steps} steps")
        result: PartResult[Any] = train_part(
            craft, self._bare(craft), steps, self._folder / craft.name, self._settings, self._report
        )
        return result

    def _bare(self, craft: Craft[Any]) -> Gpt | Sovits:
        """The network whose one part is the untrained student's; the rest of SoVITS is the teacher's."""
        bare = self._untrained
        if craft.name == VOCODER:
            return with_vocoder(craft.teacher, bare.sovits)
        return with_vocoder(bare.sovits, craft.teacher) if craft.name == FRONT else bare.gpt

    def _report(self, name: str, progress: Progress) -> None:
        losses = ", ".join(f"{k} {v:.3g}" for k, v in progress.losses.items() if k != "gradient_norm")
        self._school.stage(f"training the {name}: step {progress.step} of {progress.total}, {losses}")

    def _lessons(self) -> list[Taught]:
        """What the teacher says; as many as at the first time when this is a second one."""
        lessons = lessons_of(self._school, self._wished, self._plan().get("lessons"))
        self._save_plan(lessons=lessons.asked)
        return lessons.taught

    def _steps(self, crafts: Sequence[Craft[Any]]) -> dict[str, int]:
        """Steps by part; decided once, so that a second run makes the same ones.

        Where losses fall as one over the time spent on them, their sum is least when each part has time as
        the square root of its loss.
        """
        known: dict[str, int] | None = self._plan().get("steps")
        if known is not None:
            return known
        losses = {
            craft.name: craft.loss(craft.delivered(self._bare(craft)))
            for craft in crafts
            if craft.unheard or self._settings.timed
        }
        unheard = {c.name: losses[c.name] for c in crafts if c.unheard and losses[c.name] <= c.unheard}
        steps = {craft.name: 0 if craft.name in unheard else self._wished for craft in crafts}
        if self._settings.timed:
            heard = [craft for craft in crafts if craft.name not in unheard]
            left = self._settings.time_s - (time.monotonic() - self._since)
            weights = {craft.name: math.sqrt(_share_lost(craft, losses[craft.name])) for craft in heard}
            for craft in heard:
                room_s = left * weights[craft.name] / sum(weights.values())
                fitting = int(room_s / seconds_per_step(craft, self._settings, room_s))
                steps[craft.name] = min(self._wished, fitting) if fitting >= LEAST_STEPS else 0
        self._save_plan(steps=steps, unheard=unheard)
        return steps

    def _note(self, steps: dict[str, int]) -> str:
        unheard = self._plan().get("unheard", {})
        left = [
            f"the {name} is {loss:.2g} dB off, which is not heard: left as it is"
            for name, loss in unheard.items()
        ]
        wanted = {name: count for name, count in steps.items() if name not in unheard}
        return "; ".join(filter(None, [*left, self._time_note(wanted)]))

    def _time_note(self, steps: dict[str, int]) -> str:
        settings = self._settings
        if isinstance(settings.steps, Within):
            idle = " and ".join(name for name, count in steps.items() if count == 0)
            return idle and f"{settings.time_s:.0f} s are too short to train the {idle}"
        short = [f"{name} {count}" for name, count in steps.items() if count < self._wished]
        if not short:
            return ""
        return (
            f"of {self._wished} steps only these fitted into {settings.time_s:.0f} s: "
            f"{', '.join(short)}; --distil-steps {self._wished} trains them all, 1h what fits into an hour"
        )

    # --- the plan of this folder ------------------------------------------------------------------

    def _address(self) -> str:
        """Of everything but the candidate that decides the training; another number of threads goes on."""
        settings = replace(self._settings, threads=None)
        facts = (self._school.teacher_id, repr(settings), [v.identity for v in self._school.voices])
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]

    def _plan(self) -> dict[str, Any]:
        path = self._folder / "plan.json"
        found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        return found

    def _save_plan(self, **facts: Any) -> None:
        _write_json(self._folder / "plan.json", self._plan() | facts)


def _share_lost(craft: Craft[Any], loss: float) -> float:
    """Of what breaks speech; more does not break it more."""
    return min(max(loss, craft.negligible) / craft.breaking, 1.0)


def _write_json(path: Path, content: Any) -> None:
    draft = path.with_suffix(".draft")
    try:
        draft.write_text(json.dumps(content, indent=1), "utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise RunError(
            f"{path} could not be written ({error}). Free some space, then run the same command again."
        ) from error
