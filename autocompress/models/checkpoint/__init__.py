"""Upstream's checkpoint files: read without running code, detect, load strictly, write back.

``load_gpt`` and ``load_sovits`` give networks; ``read_checkpoint`` gives what the file holds.
"""

from pathlib import Path

from autocompress.models.checkpoint.gpt_file import gpt_from
from autocompress.models.checkpoint.reading import CheckpointFile, read_checkpoint
from autocompress.models.checkpoint.sovits_file import sovits_from
from autocompress.models.checkpoint.spare_file import attach_spare, save_spare
from autocompress.models.checkpoint.writing import gpt_misfits, save_gpt, save_sovits, sovits_misfits
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits

__all__ = [
    "CheckpointFile",
    "attach_spare",
    "gpt_misfits",
    "load_gpt",
    "load_sovits",
    "read_checkpoint",
    "save_gpt",
    "save_sovits",
    "save_spare",
    "sovits_misfits",
]


def load_gpt(path: str | Path) -> Gpt:
    """A GPT file → frozen network, float32. Raises CheckpointError."""
    return gpt_from(read_checkpoint(path))


def load_sovits(path: str | Path, *, posterior: bool = False) -> Sovits:
    """A SoVITS file → frozen network, float32; ``posterior`` also loads enc_q. Raises CheckpointError."""
    return sovits_from(read_checkpoint(path), posterior=posterior)
