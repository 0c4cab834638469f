"""The study's last rung: a candidate trained for a moment before it is scored.

Which of two candidates is the better one often changes once both are distilled, so the best of the cheaper
rungs are ranked again after the same few steps. Halves are trained apart and the last ones are kept, for
candidates share them.
"""

import tempfile
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autocompress.hardware.local import cache_folder
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.teacher import Teacher
from autocompress.pipeline.calibrated import calibration_voices
from autocompress.pipeline.evaluation_data import stand_in_voice
from autocompress.pipeline.fingerprints import speaker_hash, teacher_hash
from autocompress.production.settings import TrainingSettings
from autocompress.production.training import School, as_delivered, train_student
from autocompress.space import Candidate
from autocompress.transforms import Calibration, gpt_part, sovits_part

RUNG_STEPS = 60
RUNG_LESSONS = 24
KEPT_HALVES = 6
N_VOICES = 8  # that speak the lessons


@dataclass(eq=False)
class ShortDistillation:
    """Trains halves of candidates of one teacher; ``steps`` and ``n_lessons`` are the same for all."""

    teacher: Teacher
    calibration: Calibration
    steps: int = RUNG_STEPS
    n_lessons: int = RUNG_LESSONS
    lessons: Path = field(default_factory=lambda: cache_folder() / "lessons")
    _kept: OrderedDict[str, Any] = field(default_factory=OrderedDict, repr=False)

    def gpt(self, candidate: Candidate, seed: int) -> Gpt:
        """The GPT's half after training, as it computes on the device."""
        part = Candidate({**gpt_part(candidate).values, **candidate.part(("recipe",)).values})
        network: Gpt = self._trained("gpt", part, seed)
        return network

    def sovits(self, candidate: Candidate, seed: int) -> Sovits:
        """The SoVITS half after training; its training knows no recipe."""
        network: Sovits = self._trained("sovits", sovits_part(candidate), seed)
        return network

    def _trained(self, half: str, part: Candidate, seed: int) -> Any:
        key = f"{half}-{part.id}-{seed}"
        if key not in self._kept:
            self._kept[key] = self._train(half, part, seed)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_HALVES:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _train(self, half: str, part: Candidate, seed: int) -> Any:
        settings = TrainingSettings(self.steps, seed=seed, progressive=False, n_lessons=self.n_lessons)
        voices = calibration_voices(self.teacher, N_VOICES) or [stand_in_voice(self.teacher)]
        with tempfile.TemporaryDirectory(prefix="autocompress-rung-") as folder:
            school = School(
                self.teacher,
                teacher_hash(self.teacher),
                voices,
                Path(folder),
                settings,
                self.calibration,
                lessons=self.lessons,
                speaker_id=speaker_hash(self.teacher),
            )
            delivered = as_delivered(self.teacher, train_student(school, part))
        return getattr(delivered, half)
