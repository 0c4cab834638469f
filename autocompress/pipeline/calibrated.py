"""Importance of a teacher's units on real speech, computed once a teacher and kept on disk.

By activation SoVITS loses half of what it loses by magnitude (geometric mean of mel distances); in the GPT
Taylor's criterion saves 6 %, too little for the gradients that it takes, so magnitude decides there
(results/ablations/criteria.json).
"""

import hashlib
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from autocompress.hardware.local import cache_folder
from autocompress.models.teacher import Teacher
from autocompress.models.voice import Voice
from autocompress.pipeline.fingerprints import code_hash, teacher_hash
from autocompress.transforms import (
    Calibration,
    Importance,
    gpt_importance,
    sovits_calibration,
    sovits_importance,
)

GPT_CRITERION, SOVITS_CRITERION = "magnitude", "activation"
N_VOICES = 8
_CODE = tuple(f"transforms/{name}.py" for name in ("importance", "calibration", "observing", "units"))


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


def calibration_voices(teacher: Teacher, n_voices: int = N_VOICES) -> list[Voice]:
    """Voices whose prompts are the calibration set, evenly spread over the teacher's own."""
    names = sorted(teacher.voices)
    count = min(n_voices, len(names))
    return [teacher.voices[names[i * len(names) // count]] for i in range(count)]


def _measured(teacher: Teacher, voices: Sequence[Voice]) -> Calibration:
    spoken = sovits_calibration(voices, teacher.sovits.config.inter)
    return Calibration(
        gpt_importance(teacher.gpt, criterion=GPT_CRITERION),
        sovits_importance(teacher.sovits, spoken, SOVITS_CRITERION),
    )


def _key(teacher: Teacher, voices: Sequence[Voice]) -> str:
    digest = hashlib.sha256(f"{GPT_CRITERION} {SOVITS_CRITERION} {code_hash(_CODE)}".encode())
    for voice in voices:
        for part in (voice.prompt_phoneme_ids, voice.prompt_tokens, voice.style):
            digest.update(part.tobytes())
    return f"{teacher_hash(teacher)}-{digest.hexdigest()[:12]}"


def _write(path: Path, calibration: Calibration) -> None:
    """Whole or not at all: several workers may write at once."""
    halves = {"gpt": calibration.gpt, "sovits": calibration.sovits}
    fields = {
        name: {"criterion": half.criterion, "scores": dict(half.scores), "squares": dict(half.mean_squares)}
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
            Importance(fields[half]["criterion"], fields[half]["scores"], fields[half]["squares"])
            for half in ("gpt", "sovits")
        )
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError):
        return None
    return Calibration(gpt, sovits)
