"""What a checkpoint is, in numbers: version, sizes, parameters and bytes a module."""

from pathlib import Path
from typing import Any

from torch import nn

from autocompress.errors import CheckpointError
from autocompress.models.checkpoint import CheckpointFile, read_checkpoint
from autocompress.models.checkpoint.gpt_file import gpt_from
from autocompress.models.checkpoint.sovits_file import sovits_from
from autocompress.models.goldens.scorecard import FolderScore
from autocompress.models.gpt import Gpt
from autocompress.models.serial import to_json
from autocompress.models.sovits.synthesizer import Sovits

BYTES_IN_FILE = 2  # every weight is stored as float16


def describe_files(*, gpt: Path | None = None, sovits: Path | None = None) -> dict[str, Any]:
    """{"gpt": …, "sovits": …} of the files given; raises CheckpointError for a wrong one, or for none."""
    if gpt is None and sovits is None:
        raise CheckpointError("nothing to describe: give --gpt FILE, --sovits FILE, or both.")
    found: dict[str, Any] = {}
    if gpt is not None:
        file = read_checkpoint(gpt)
        found["gpt"] = _described(file, gpt_from(file))
    if sovits is not None:
        file = read_checkpoint(sovits)
        found["sovits"] = _described(file, sovits_from(file))
    parts = list(found.values())
    found["version"] = found["sovits"]["version"] if sovits is not None else found["gpt"]["version"]
    found["parameters"] = sum(part["parameters"] for part in parts)
    found["bytes"] = sum(part["bytes"] for part in parts)
    return found


def _described(file: CheckpointFile, model: Gpt | Sovits) -> dict[str, Any]:
    modules = {name: _counted(child) for name, child in model.named_children() if any(child.state_dict())}
    return {
        "file": str(file.path),
        "version": file.version,
        "info": file.info,
        "header": file.header,
        "parameters": sum(module["parameters"] for module in modules.values()),
        "bytes": file.size_bytes,
        "has_posterior_encoder": any(key.startswith("enc_q.") for key in file.weight),
        "modules": modules,
        "sizes": to_json(model.config),
    }


def _counted(module: nn.Module) -> dict[str, int]:
    """Elements of all tensors (the codebook is a buffer), and their bytes as float16."""
    elements = sum(tensor.numel() for tensor in module.state_dict().values())
    return {"parameters": elements, "bytes": BYTES_IN_FILE * elements}


def as_text(found: dict[str, Any]) -> str:
    """A short table for people."""
    lines: list[str] = []
    for kind in ("gpt", "sovits"):
        if kind in found:
            part = found[kind]
            lines.append(
                f"{kind}  {part['version']}  {part['parameters']:,} parameters  {part['bytes']:,} bytes"
            )
            lines += [f"  {name:20s} {m['parameters']:>12,}" for name, m in part["modules"].items()]
    return "\n".join(lines)


def scores_as_text(score: FolderScore) -> str:
    lines = []
    for item in score.sets:
        lines.append(f"{'ok  ' if item.ok else 'FAIL'} {item.name:28s} {item.max_relative_error:.1e}")
        lines += [f"       {problem}" for problem in item.problems]
        lines += [f"       {a.name}: {a.relative_error:.1e}" for a in item.arrays if not a.ok]
    return "\n".join(lines)
