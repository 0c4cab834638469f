"""The reference model that ships with the package: weights, voices, evaluation set and card."""

import hashlib
from pathlib import Path

from autocompress.errors import CheckpointError

FOLDER = Path(__file__).parent
GPT, SOVITS = FOLDER / "gpt.ckpt", FOLDER / "sovits.pth"
SPARE = FOLDER / "vocoder.safetensors"
VOICES = FOLDER / "voices.toml"
EVALUATION_SET = FOLDER / "evaluation" / "manifest.toml"
CHECKSUMS = FOLDER / "SHA256SUMS"


def verify_files(folder: Path = FOLDER) -> None:
    """Raise ``CheckpointError`` that lists every file of the reference model that is missing or altered."""
    faults = []
    try:
        lines = (folder / CHECKSUMS.name).read_text().splitlines()
    except OSError as error:
        raise CheckpointError(
            f"no reference model in {folder} ({error}). Install the package again."
        ) from error
    for line in lines:
        expected, name = line.split(maxsplit=1)
        path = folder / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            faults.append(f"{name} is not the file that was shipped")
    if faults:
        raise CheckpointError(
            f"the reference model is damaged: {'; '.join(faults)}. Install the package again."
        )


def write_checksums(folder: Path) -> None:
    """``SHA256SUMS`` of the weight files and the voices, as ``sha256sum`` writes it."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if _is_shipped(p))
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / CHECKSUMS.name).write_text("".join(lines))


def _is_shipped(path: Path) -> bool:
    return path.is_file() and path.suffix in {".ckpt", ".pth", ".safetensors", ".opus", ".toml", ".tokens"}
