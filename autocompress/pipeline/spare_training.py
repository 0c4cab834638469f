"""Training a spare vocoder, one that predicts spectra, to make the teacher's audio of its latents."""

import copy
from dataclasses import dataclass, replace
from pathlib import Path

from autocompress.errors import RunError
from autocompress.models.checkpoint import save_spare
from autocompress.models.config import spectral_vocoder
from autocompress.models.sovits.istft import IstftVocoder, new_spare
from autocompress.models.sovits.layers import fold_weight_norm
from autocompress.models.teacher import Teacher
from autocompress.pipeline.delivery import delivered_voices, train_in_turn
from autocompress.pipeline.fingerprints import speaker_hash
from autocompress.production.schedule import PartResult
from autocompress.production.settings import Steps, TrainingSettings
from autocompress.production.training import School, Stage, Trained
from autocompress.space import Candidate

SWAPPED = Candidate({"sovits.vocoder.module": "istft-head"})
_BATCH = 8


@dataclass(frozen=True)
class SpareTraining:
    """``width`` of the residual stream; ``steps`` as of ``--distil-steps``."""

    steps: Steps
    width: int = 192
    seed: int = 0
    threads: int | None = None
    recordings: Path | None = None
    lessons: Path | None = None
    n_lessons: int | None = None

    @property
    def settings(self) -> TrainingSettings:
        return TrainingSettings(
            self.steps,
            recordings=self.recordings,
            seed=self.seed,
            sovits_batch=_BATCH,
            n_lessons=self.n_lessons,
            threads=self.threads,
            new_vocoder=True,
        )


def train_spare(teacher: Teacher, out: Path, asked: SpareTraining, stage: Stage = lambda _: None) -> Trained:
    """Train and write ``out``; states and lessons lie beside it, and the same call goes on from them.

    Raises RunError when training came to nothing: no file is written then.
    """
    pupil = _with_new_spare(teacher, asked)
    school = School(
        pupil,
        f"{speaker_hash(teacher)}-{asked.width}",
        delivered_voices(teacher, None),
        out.with_suffix(".training"),
        asked.settings,
        stage=stage,
        lessons=asked.lessons,
        speaker_id=speaker_hash(teacher),
    )
    trained = train_in_turn(school, SWAPPED)
    part = trained.parts[0] if trained.parts else None
    if part is None or not part.trained:
        raise RunError(
            f"the spare vocoder learnt nothing ({trained.note or 'no step fitted into the time'}). "
            "Give more time or steps."
        )
    vocoder = fold_weight_norm(trained.student.sovits).dec
    assert isinstance(vocoder, IstftVocoder)
    pupil.sovits.attach(vocoder)
    save_spare(pupil.sovits, out, _facts(part, asked))
    return trained


def _with_new_spare(teacher: Teacher, asked: SpareTraining) -> Teacher:
    sovits = copy.deepcopy(teacher.sovits)
    sizes = spectral_vocoder(sovits.config.audio, asked.width)
    sovits.attach(new_spare(sovits.config, sizes, asked.seed))
    return replace(teacher, sovits=sovits)


def _facts(part: PartResult[object], asked: SpareTraining) -> dict[str, object]:  # type: ignore[type-var]
    return {
        "steps": part.steps,
        "seed": asked.seed,
        "mel_distance_db": round(part.trained_loss, 3),
        "untrained_db": round(part.untrained_loss, 3),
        "notes": list(part.notes),
    }
