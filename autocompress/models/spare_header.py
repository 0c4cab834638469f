"""What the file of a spare vocoder says of itself, read without its weights and without PyTorch."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from autocompress.errors import CheckpointError
from autocompress.models.config import IstftConfig
from autocompress.models.serial import from_json

FORMAT = 1
KEY = "autocompress.spare"


def spare_sizes(path: str | Path) -> IstftConfig:
    """Its sizes."""
    return from_json(IstftConfig, spare_header(Path(path))["sizes"])


def spare_header(path: Path) -> dict[str, Any]:
    """Format, sizes, whose latents it reads, and how it was made; CheckpointError for any other file."""
    with open_spare(path, "numpy") as file:
        text = (file.metadata() or {}).get(KEY)
    if text is None:
        raise CheckpointError(
            f"{path}: a safetensors file, but no spare vocoder of this package. "
            "One is made by: autocompress model train-vocoder."
        )
    header: dict[str, Any] = json.loads(text)
    if header.get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: format {header.get('format')} of a spare vocoder; this version reads {FORMAT}. Update."
        )
    return header


def open_spare(path: Path, framework: str) -> Any:
    """The open file; its tensors come as ``framework`` ("pt", "numpy") has them."""
    try:
        return safe_open(path, framework=framework)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path}: no spare vocoder can be read from it ({error}). Give a file of model train-vocoder."
        ) from error
