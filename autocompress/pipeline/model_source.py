"""The teacher of a plan: its sizes without its weights, and the loaded model."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from autocompress.errors import CheckpointError
from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.planner import ModelChoice

if TYPE_CHECKING:
    from autocompress.models.teacher import Teacher


def choose_model(
    name: str | None = None,
    gpt: str | Path | None = None,
    sovits: str | Path | None = None,
    voices: str | Path | None = None,
    vocoder: str | Path | None = None,
) -> ModelChoice:
    """A packaged model by name (``reference`` when nothing is given), or upstream's two files."""
    if gpt is None and sovits is None:
        for option, value in (("--voices", voices), ("--vocoder", vocoder)):
            if value is not None:
                raise CheckpointError(
                    f"{option} belongs to a model of your own: give --gpt and --sovits with it."
                )
        return ModelChoice(name or "reference")
    if name is not None:
        raise CheckpointError(f"give either --model {name} or the two files --gpt and --sovits, not both.")
    if gpt is None or sovits is None:
        raise CheckpointError("a model needs both of its files: --gpt FILE and --sovits FILE.")
    files = (gpt, sovits, voices, vocoder)
    return ModelChoice(None, *(None if p is None else str(Path(p).resolve()) for p in files))


def model_sizes(model: ModelChoice) -> tuple[GptConfig, SovitsConfig]:
    """Sizes of both networks. The packaged model's are known; files are opened."""
    if model.name == "reference":
        from autocompress.models.reference import SPARE
        from autocompress.models.spare_header import spare_sizes
        from autocompress.models.training import reference

        return reference.gpt_config(), replace(reference.sovits_config(), spare=spare_sizes(SPARE))
    teacher = load_model(model)
    return teacher.gpt.config, teacher.sovits.config


@lru_cache(maxsize=2)
def load_model(model: ModelChoice) -> "Teacher":
    """The teacher itself; the same object for the same choice."""
    from autocompress.models.teacher import load_teacher

    if model.name is not None:
        return load_teacher(model.name)
    return load_teacher(gpt=model.gpt, sovits=model.sovits, voices=model.voices, vocoder=model.vocoder)


def model_of(teacher: "Teacher") -> ModelChoice:
    """How a teacher that is already loaded can be named: by its package, or not at all."""
    from autocompress.models.teacher import NAMED_TEACHERS

    return ModelChoice(teacher.name if teacher.name in NAMED_TEACHERS else None, gpt=teacher.name or "model")
