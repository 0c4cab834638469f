"""The callable that a study measures candidates with: free, divergence and speech rungs."""

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from autocompress.errors import MalformedError
from autocompress.hardware.library import load_profile
from autocompress.hardware.local import cache_folder
from autocompress.metrics.cost import CostModel
from autocompress.metrics.evaluation_set import Task
from autocompress.metrics.quality_loss import divergence_loss
from autocompress.metrics.spoken import Readings, hear, heard_metrics, utterance
from autocompress.metrics.teacher_forced import HalfScore, TeacherForcedSet
from autocompress.metrics.utterance import Utterance
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.teacher import Teacher
from autocompress.pipeline.calibrated import calibrated
from autocompress.pipeline.evaluation_data import EvaluationData, evaluation_data
from autocompress.pipeline.fingerprints import teacher_hash
from autocompress.pipeline.model_source import load_model
from autocompress.pipeline.short_distillation import ShortDistillation
from autocompress.planner import ModelChoice
from autocompress.space import Candidate
from autocompress.study import Evaluation, Rung
from autocompress.transforms import (
    Calibration,
    gpt_part,
    materialize,
    materialize_gpt,
    materialize_sovits,
    sovits_part,
)

_MOST_TOKENS = 400  # of a spoken sentence: a student that never stops must not stop the search
# A student half as fast as any speaker (0.12 s a phoneme, and a second) is cut off in a search: to hear
# 16 s of babble eight times took 23 s a candidate.
_TOKENS_A_PHONEME, _TOKENS_BEYOND = 3, 25


@dataclass
class CandidateEvaluator:
    """Measures candidates of one teacher for one device.

    In another process the teacher is loaded again by its name or files; what a half has scored is kept.
    """

    model: ModelChoice
    device: str
    given: Teacher | None = None
    threads: int = 1
    listens: bool = True  # whether what was distilled is heard, or compared token by token
    _gpt: dict[str, HalfScore] = field(default_factory=dict, repr=False)
    _sovits: dict[str, HalfScore] = field(default_factory=dict, repr=False)

    def __call__(self, candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
        if rung == "free":
            return self._free(candidate)
        torch.set_num_threads(self.threads)
        rungs = {"divergence": self._divergence, "speech": self._speech, "distillation": self._distilled}
        return rungs[rung](candidate, seed)

    @cached_property
    def teacher(self) -> Teacher:
        return self.given or load_model(self.model)

    @cached_property
    def calibration(self) -> Calibration:
        """How much each of the teacher's units matters; measured once a teacher."""
        return calibrated(self.teacher)

    @cached_property
    def data(self) -> EvaluationData:
        return evaluation_data(self.teacher)

    @cached_property
    def forced(self) -> TeacherForcedSet:
        return TeacherForcedSet.of(self.teacher.gpt, self.teacher.sovits, self.data.forced)

    @cached_property
    def distillation(self) -> ShortDistillation:
        return ShortDistillation(self.teacher, self.calibration)

    @cached_property
    def costs(self) -> CostModel:
        gpt, sovits = self.teacher.gpt.config, self.teacher.sovits.config
        return CostModel(gpt, sovits, load_profile(self.device), bert=takes_bert(self.teacher))

    @cached_property
    def teacher_speech(self) -> Readings:
        """The teacher's own readings on the spoken tasks; heard once a machine."""
        return teacher_readings(self.teacher, self.data)

    def _free(self, candidate: Candidate) -> Evaluation:
        cost = self.costs.cost(candidate)
        return Evaluation({m.key: m for m in cost.measurements()}, details=cost.details())

    def _divergence(self, candidate: Candidate, seed: int) -> Evaluation:
        return forced_evaluation(self._gpt_score(candidate), self._sovits_score(candidate), seed)

    def _distilled(self, candidate: Candidate, seed: int) -> Evaluation:
        """Both halves after a short training, judged as the rung below judged them without it."""
        gpt, sovits = self.distillation.gpt(candidate, seed), self.distillation.sovits(candidate, seed)
        if self.listens and self.data.spoken:
            return self._heard(gpt, sovits, seed)
        return forced_evaluation(self.forced.score_gpt(gpt), self.forced.score_sovits(sovits), seed)

    def _gpt_score(self, candidate: Candidate) -> HalfScore:
        part = gpt_part(candidate)
        if part.id not in self._gpt:
            student = materialize_gpt(self.teacher.gpt, part, self.calibration.gpt).computing()
            self._gpt[part.id] = self.forced.score_gpt(student)
        return self._gpt[part.id]

    def _sovits_score(self, candidate: Candidate) -> HalfScore:
        part = sovits_part(candidate)
        if part.id not in self._sovits:
            student = materialize_sovits(self.teacher.sovits, part, self.calibration.sovits).computing()
            self._sovits[part.id] = self.forced.score_sovits(student)
        return self._sovits[part.id]

    def _speech(self, candidate: Candidate, seed: int) -> Evaluation:
        if not self.data.spoken:
            raise MalformedError("the speech rung needs a voice with a recording; this model came with none.")
        student = materialize(self.teacher, candidate, self.calibration)
        return self._heard(student.gpt_half.computing(), student.sovits_half.computing(), seed)

    def _heard(self, gpt: Gpt, sovits: Sovits, seed: int) -> Evaluation:
        speaker = student_speaker(self.teacher, gpt, sovits)
        heard = hear(lambda task: said_in_time(speaker, task), self.data.spoken, heard_metrics(), seed)
        if heard.failure:
            return Evaluation.failed(heard.failure)
        measured = heard.measurements(self.teacher_speech, seed)
        return Evaluation({m.key: m for m in measured}, details=heard.means())

    def __getstate__(self) -> dict[str, Any]:
        """Settings alone: networks are loaded again where the evaluator arrives."""
        if self.given is not None and self.model.name is None and self.model.sovits is None:
            raise MalformedError(
                "several workers load the teacher themselves: give it by name or files, not as an object."
            )
        return {"model": self.model, "device": self.device, "given": None, "threads": self.threads,
                "listens": self.listens, "_gpt": {}, "_sovits": {}}  # fmt: skip


def forced_evaluation(gpt: HalfScore, sovits: HalfScore, seed: int) -> Evaluation:
    """Both halves' teacher-forced scores as one evaluation, or the reason of the half that failed."""
    failure = gpt.failure or sovits.failure
    if failure:
        return Evaluation.failed(failure)
    measured = divergence_loss(gpt, sovits, seed)
    details = {name: half.mean(name) for half in (gpt, sovits) for name in half.values}
    return Evaluation({m.key: m for m in measured}, details=details)


def takes_bert(teacher: Teacher) -> bool:
    """Whether the exported prefill graph needs BERT features: only where the user gave a RoBERTa."""
    return teacher.text.bert is not None


def student_speaker(teacher: Teacher, gpt: Gpt, sovits: Sovits) -> Teacher:
    """The student with the teacher's text front end and voices, speaking sentences of bounded length."""
    gpt.config = replace(gpt.config, max_tokens=min(_MOST_TOKENS, gpt.config.max_tokens))
    return replace(teacher, gpt=gpt, sovits=sovits)


def said_in_time(student: Teacher, task: Task) -> Utterance:
    """:func:`said`, cut off when it has gone on for far longer than the sentence can take."""
    phonemes = len(student.text(task.sentence.text, task.sentence.language).ids)
    limit = min(_MOST_TOKENS, _TOKENS_A_PHONEME * phonemes + _TOKENS_BEYOND)
    student.gpt.config = replace(student.gpt.config, max_tokens=limit)
    return said(student, task)


def said(speaker: Teacher, task: Task) -> Utterance:
    """One task in the model's own words: what it chose to say and how it sounds."""
    with torch.inference_mode():
        parts = speaker.speak(task.sentence.text, task.voice.name, task.seed, language=task.sentence.language)
    audio = np.concatenate([part.audio for part in parts])
    tokens = [int(token) for part in parts for token in part.generation.tokens]
    return utterance(task, audio, speaker.sample_rate_hz, tokens)


def teacher_readings(teacher: Teacher, data: EvaluationData) -> Readings:
    """What the teacher scores on every spoken task, from the cache or heard now."""
    path = cache_folder() / "teacher-speech" / f"{teacher_hash(teacher)}-{data.hash}.json"
    if path.is_file():
        known: dict[str, dict[str, float]] = json.loads(path.read_text("utf-8"))
        return known
    readings = hear(lambda task: said(teacher, task), data.spoken, heard_metrics(), 0).readings
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(readings), "utf-8")
    draft.replace(path)
    return readings
