"""The file of a spare vocoder: fp16 weights in safetensors, a header of sizes and whose latents it reads."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from autocompress.errors import CheckpointError
from autocompress.models.config import IstftConfig
from autocompress.models.serial import from_json, to_json
from autocompress.models.sovits.istft import IstftVocoder
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.spare_header import FORMAT, KEY, open_spare, spare_header

_BEHIND = ("dec.", "spare.", "enc_q.")  # what turns latents into audio, and what only training needs


def latents_hash(sovits: Sovits) -> str:
    """Of the weights that decide the latents: a vocoder speaks for the model that it was trained behind."""
    digest = hashlib.sha256()
    for name, tensor in sovits.state_dict().items():
        if not name.startswith(_BEHIND):
            digest.update(name.encode())
            digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_spare(sovits: Sovits, path: str | Path, info: Mapping[str, Any] | None = None) -> None:
    """Write the spare vocoder of ``sovits``, whole or not at all; ``info`` says how it was made."""
    assert isinstance(sovits.spare, IstftVocoder) and sovits.config.spare is not None
    path = Path(path)
    about = {
        "format": FORMAT,
        "sizes": to_json(sovits.config.spare),
        "latents": latents_hash(sovits),
        "info": dict(info or {}),
    }
    weights = {key: tensor.half().contiguous() for key, tensor in sovits.spare.state_dict().items()}
    draft = path.with_suffix(".draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(save(weights, {KEY: json.dumps(about, sort_keys=True)}))
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CheckpointError(f"{path}: cannot be written ({error.strerror}). Free some space.") from error


def attach_spare(sovits: Sovits, path: str | Path) -> None:
    """Give ``sovits`` the spare vocoder of a file; CheckpointError when it is damaged or another model's."""
    path = Path(path)
    about = spare_header(path)
    own = latents_hash(sovits)
    if about["latents"] != own:
        raise CheckpointError(
            f"{path}: this vocoder was trained behind another SoVITS (latents {about['latents']}, this one "
            f"has {own}). Train one for this model: autocompress model train-vocoder."
        )
    spare = IstftVocoder(from_json(IstftConfig, about["sizes"]), sovits.config.inter, sovits.config.gin)
    with open_spare(path, "pt") as file:
        weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 (no mapping)
    wanted = {key: tuple(tensor.shape) for key, tensor in spare.state_dict().items()}
    found = {key: tuple(tensor.shape) for key, tensor in weights.items()}
    wrong = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    if wrong:
        listed = "; ".join(f"{key}: {found.get(key)} instead of {wanted.get(key)}" for key in wrong[:8])
        raise CheckpointError(f"{path}: {len(wrong)} tensors do not fit its own sizes: {listed}.")
    broken = [key for key, tensor in weights.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise CheckpointError(f"{path}: NaN or infinite weights in {', '.join(broken[:8])}. Train it again.")
    spare.load_state_dict(weights)
    sovits.attach(spare)
