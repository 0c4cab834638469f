"""Importance of a teacher's units on real speech, and what its modules read there; once a teacher, on disk.

Those units go that the others can stand in for; where a teacher has no voices, those of the least magnitude.
"""

import hashlib
import math
import os
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autocompress.hardware.local import cache_folder
from autocompress.models.teacher import Teacher
from autocompress.models.voice import Voice
from autocompress.pipeline.fingerprints import code_hash, teacher_hash
from autocompress.transforms import (
    Calibration,
    Importance,
    gpt_calibration,
    gpt_importance,
    sovits_calibration,
    sovits_importance,
)

CRITERION = "activation"
GPT_VOICES, SOVITS_VOICES = 32, 16
_CODE = tuple(
    f"transforms/{name}.py"
    for name in ("importance", "calibration", "observing", "units", "reconstruction", "weights")
)


def calibrated(teacher: Teacher) -> Calibration:
    """What search and ``produce`` choose units by: measured on the prompts of the teacher's own voices.

    By magnitude where it has none. Kept in the cache folder, by the hash of weights, prompts and code.
    """
    voices = calibration_voices(teacher)
    if not voices:
        return Calibration(gpt_importance(teacher.gpt), sovits_importance(teacher.sovits))
    path = cache_folder() / "importance" / f"{_key(teacher, voices)}.pt"
    known = _read(path)
    if known is None:
        known = _measured(teacher, voices)
        _write(path, known)
    return known


def calibration_voices(teacher: Teacher, n_voices: int = GPT_VOICES) -> list[Voice]:
    """Voices whose prompts are the calibration set, evenly spread over the teacher's own."""
    return _spread([teacher.voices[name] for name in sorted(teacher.voices)], n_voices)


def _spread(voices: Sequence[Voice], most: int) -> list[Voice]:
    """So many of them at most, evenly."""
    count = min(most, len(voices))
    return [voices[i * len(voices) // count] for i in range(count)]


def _measured(teacher: Teacher, voices: Sequence[Voice]) -> Calibration:
    spoken = sovits_calibration(_spread(voices, SOVITS_VOICES), teacher.sovits.config.inter)
    return Calibration(
        gpt_importance(teacher.gpt, gpt_calibration(voices), CRITERION),
        sovits_importance(teacher.sovits, spoken, CRITERION),
    )


def _key(teacher: Teacher, voices: Sequence[Voice]) -> str:
    digest = hashlib.sha256(f"{CRITERION} {SOVITS_VOICES} {code_hash(_CODE)}".encode())
    for voice in voices:
        for part in (voice.prompt_phoneme_ids, voice.prompt_tokens, voice.style):
            digest.update(part.tobytes())
    return f"{teacher_hash(teacher)}-{digest.hexdigest()[:12]}"


def _write(path: Path, calibration: Calibration) -> None:
    """Whole or not at all: several workers may write at once."""
    halves = {"gpt": calibration.gpt, "sovits": calibration.sovits}
    fields = {
        name: {"criterion": half.criterion, "scores": dict(half.scores), "inputs": _triangles(half.inputs)}
        for name, half in halves.items()
        if half is not None
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    torch.save(fields, draft)
    draft.replace(path)


def _read(path: Path) -> Calibration | None:
    """What is known, or nothing; a damaged file is computed anew."""
    if not path.is_file():
        return None
    try:
        fields: dict[str, dict[str, Any]] = torch.load(path, weights_only=True)
        gpt, sovits = (
            Importance(fields[half]["criterion"], fields[half]["scores"], _whole(fields[half]["inputs"]))
            for half in ("gpt", "sovits")
        )
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError):
        return None
    return Calibration(gpt, sovits)


def _triangles(moments: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A symmetric matrix is kept by half: at full size these are hundreds of megabytes."""
    return {path: m[tuple(torch.tril_indices(*m.shape))] for path, m in moments.items()}


def _whole(triangles: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {path: _square(numbers) for path, numbers in triangles.items()}


def _square(numbers: Tensor) -> Tensor:
    side = math.isqrt(2 * len(numbers))
    lower = torch.zeros(side, side)
    lower[tuple(torch.tril_indices(side, side))] = numbers
    return lower + lower.tril(-1).t()
