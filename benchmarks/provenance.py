"""What every table of ``results/`` says about itself: machine, versions, seed, weights and command."""

import hashlib
import json
import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path

from autocompress.hardware.profiler.machine import read_machine
from autocompress.models import reference

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "onnxruntime", "torch")


def provenance(seed: int | None = None, **more: object) -> dict[str, object]:
    """Facts of this run as they are written beside its numbers; the weights are the reference model's."""
    return {
        "command": command(),
        "seed": seed,
        "machine": read_machine().identity,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "weights_sha256": weights(),
        **more,
    }


def command() -> str:
    """This command as it is typed at the repository's root."""
    module = sys.modules["__main__"].__spec__
    start = ["-m", module.name.removesuffix(".__main__")] if module else [_relative(sys.argv[0])]
    return shlex.join(["python", *start, *map(_relative, sys.argv[1:])])


def weights(*files: Path) -> dict[str, str]:
    """First twelve digits of the SHA-256 of each file; of the reference model's without any."""
    chosen = files or (reference.GPT, reference.SOVITS, reference.SPARE)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in chosen}


def write_json(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _relative(word: str) -> str:
    path = Path(word)
    inside = path.is_absolute() and path.is_relative_to(REPOSITORY)
    return path.relative_to(REPOSITORY).as_posix() if inside else word
