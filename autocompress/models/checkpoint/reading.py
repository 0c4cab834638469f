"""A checkpoint file as it lies on disk: weights, configuration, header, and which model it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from autocompress.errors import CheckpointError
from autocompress.models.checkpoint.unpickle import plain, unpickle_zip

# First two bytes → (version, is a LoRA file); upstream writes them over the zip's own "PK".
HEADERS = {
    b"00": ("v1", False),
    b"01": ("v2", False),
    b"02": ("v3", False),
    b"03": ("v3", True),
    b"04": ("v4", True),
    b"05": ("v2Pro", False),
    b"06": ("v2ProPlus", False),
}
Weights = Mapping[str, Tensor]
_UNSUPPORTED = {
    "v3": "a flow-matching decoder (CFM, 32 steps) and the BigVGAN 24 kHz vocoder",
    "v4": "a flow-matching decoder (CFM, 32 steps) and its own 48 kHz HiFi-GAN vocoder",
}


@dataclass(frozen=True)
class CheckpointFile:
    """What a file holds: ``kind`` is "gpt" or "sovits"; ``version`` as the header, else the tensors say."""

    path: Path
    kind: str
    version: str
    header: str  # "PK" or a two-digit code
    weight: Weights
    config: Mapping[str, Any]
    info: str
    size_bytes: int


def read_checkpoint(path: str | Path) -> CheckpointFile:
    """Read a GPT (.ckpt) or SoVITS (.pth) file of any name without running code from it.

    Raises CheckpointError for anything that is not one, and by name for v3, v4 and LoRA files.
    """
    path = Path(path)
    data = _bytes_of(path)
    header = bytes(data[:2])
    if header not in HEADERS and header != b"PK":
        raise CheckpointError(
            f"{path}: not a GPT-SoVITS checkpoint; it starts with {bytes(data[:8])!r}, not with 'PK' or "
            "a version code 00 to 06."
        )
    data[:2] = b"PK"
    content = unpickle_zip(data, path)
    weight, config = _parts(content, path)
    kind = _kind(weight, path)
    _refuse_lora(header, content, weight, path)
    version = _gpt_version(weight) if kind == "gpt" else _sovits_version(header, weight, config)
    if version in _UNSUPPORTED:
        raise CheckpointError(
            f"{path}: a {version} SoVITS model. It would need {_UNSUPPORTED[version]}; this package has "
            "neither. Use a v1, v2, v2Pro or v2ProPlus model (the GPT file is the same kind in all versions)."
        )
    info = content.get("info", "")
    return CheckpointFile(path, kind, version, header.decode(), weight, config, str(info), len(data))


def _bytes_of(path: Path) -> bytearray:
    if path.is_dir():
        raise CheckpointError(f"{path}: a folder; give the .ckpt or .pth file in it.")
    try:
        data = bytearray(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}).") from None
    if not data:
        raise CheckpointError(f"{path}: the file is empty; download it again.")
    return data


def _parts(content: Any, path: Path) -> tuple[Weights, Mapping[str, Any]]:
    if not isinstance(content, dict) or "weight" not in content or "config" not in content:
        found = sorted(map(str, content))[:6] if isinstance(content, dict) else type(content).__name__
        raise CheckpointError(
            f"{path}: a torch file, but not one for inference: expected the keys weight, config and info, "
            f"found {found}. Training snapshots (G_*.pth, D_*.pth, Lightning files) must be exported first."
        )
    try:
        weight, config = content["weight"], plain(content["config"])
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    if not isinstance(weight, dict) or not isinstance(config, dict):
        raise CheckpointError(f"{path}: weight and config must be tables.")
    strangers = [str(k) for k, v in weight.items() if not (isinstance(k, str) and isinstance(v, Tensor))]
    if strangers:
        raise CheckpointError(f"{path}: these weights are not tensors: {', '.join(strangers[:10])}.")
    return weight, config


def _kind(weight: Weights, path: Path) -> str:
    if any(key.startswith("model.") for key in weight):
        return "gpt"
    if any(key.startswith(("enc_p.", "dec.", "flow.", "ref_enc.", "quantizer.", "cfm.")) for key in weight):
        return "sovits"
    raise CheckpointError(
        f"{path}: its tensors belong to neither part of GPT-SoVITS; the first are "
        f"{', '.join(list(weight)[:4]) or 'none'}."
    )


def _refuse_lora(header: bytes, content: Mapping[str, Any], weight: Weights, path: Path) -> None:
    by_header = HEADERS.get(header, ("", False))
    if not (by_header[1] or "lora_rank" in content or any("lora_" in key for key in weight)):
        return
    version = by_header[0] or "v3 or v4"
    needs = _UNSUPPORTED.get(version, "a flow-matching decoder (CFM) and its vocoder")
    raise CheckpointError(
        f"{path}: a {version} LoRA file, only the difference to a {version} base model. It would need that "
        f"base model, {needs}; this package has none of them. Use a v1, v2, v2Pro or v2ProPlus model."
    )


def _gpt_version(weight: Weights) -> str:
    """One architecture in all versions; only v1 has 512 phoneme rows."""
    rows = weight.get("model.ar_text_embedding.word_embeddings.weight")
    return "v1" if rows is not None and rows.shape[0] in (322, 512) else "v2"


def _sovits_version(header: bytes, weight: Weights, config: Mapping[str, Any]) -> str:
    """A header decides; then the tensors; then what the configuration says. Never the file size."""
    if header in HEADERS:
        return HEADERS[header][0]
    model = config.get("model")
    named = str(model.get("version", "")) if isinstance(model, dict) else ""
    if any(key.startswith(("cfm.", "bridge.", "wns1.")) for key in weight):
        return named if named in _UNSUPPORTED else "v3"
    if "sv_emb.weight" in weight:
        first = weight.get("dec.ups.0.weight_v", weight.get("dec.ups.0.weight"))
        return "v2ProPlus" if first is not None and first.shape[-1] == 20 else "v2Pro"
    if named in ("v2Pro", "v2ProPlus", *_UNSUPPORTED):
        return named
    rows = weight.get("enc_p.text_embedding.weight")
    return "v1" if rows is not None and rows.shape[0] == 322 else "v2"
