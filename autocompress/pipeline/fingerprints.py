"""Hashes that evaluations are kept under: of the teacher's weights, of the device, of each rung's code."""

import hashlib
from functools import lru_cache
from pathlib import Path

import autocompress
from autocompress.hardware.profile import HardwareProfile
from autocompress.models.teacher import Teacher
from autocompress.study import Fingerprint

_PACKAGE = Path(autocompress.__file__).parent
_STUDENT = ("transforms", "pipeline/calibrated.py")
_HEARD = ("metrics/spoken.py", "metrics/speech.py", "metrics/quality_loss.py")
_CODE = {
    "free": ("metrics/cost", "hardware"),
    "divergence": (*_STUDENT, "metrics/teacher_forced.py", "metrics/divergence.py", "metrics/mel.py"),
    "speech": (*_STUDENT, *_HEARD),
    "distillation": (*_STUDENT, *_HEARD, "pipeline/short_distillation.py", "production", "models/training"),
}


def fingerprint(teacher: Teacher, data: str, profile: HardwareProfile) -> Fingerprint:
    """The address of this teacher's evaluations on this device."""
    code = {rung: code_hash(parts) for rung, parts in _CODE.items()}
    return Fingerprint(teacher_hash(teacher), data, device_hash(profile), code)


def teacher_hash(teacher: Teacher) -> str:
    """Of both networks' weights, a spare vocoder's among them."""
    return _weights_hash(teacher, ())


def speaker_hash(teacher: Teacher) -> str:
    """Of the weights that it speaks with: whatever spare vocoder lies beside them, it says the same."""
    return _weights_hash(teacher, ("spare.",))


def _weights_hash(teacher: Teacher, without: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for network in (teacher.gpt, teacher.sovits):
        for name, tensor in network.state_dict().items():
            if not name.startswith(without):
                digest.update(name.encode())
                digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def device_hash(profile: HardwareProfile) -> str:
    """Of the profile's file and its tables."""
    digest = hashlib.sha256(profile.id.encode())
    if profile.path is not None:
        for path in (profile.path, *(profile.path.parent / name for name in profile.tables)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=8)
def code_hash(parts: tuple[str, ...]) -> str:
    """Of the Python files that a rung's result depends on."""
    digest = hashlib.sha256()
    for part in parts:
        path = _PACKAGE / part
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
