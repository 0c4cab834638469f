"""Networks from a folder in Hugging Face layout that the user has: ``config.json`` and one file of weights.

The library ``transformers`` only builds the network. The weights are read here, never by executing what a
file says (safetensors, or ``torch.load`` with ``weights_only``), and every key that does not fit is listed at
once. Nothing is downloaded.
"""

import hashlib
import json
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from autocompress.errors import CheckpointError, MissingExtraError

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
# Names of older files → names of today's modules.
_RENAMED = (
    (".weight_g", ".parametrizations.weight.original0"),
    (".weight_v", ".parametrizations.weight.original1"),
    ("LayerNorm.gamma", "LayerNorm.weight"),
    ("LayerNorm.beta", "LayerNorm.bias"),
)


@dataclass(frozen=True)
class HfFolder:
    """A folder whose ``config.json`` says that it holds ``model_type``."""

    path: Path
    model_type: str
    config: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """Folder name and the start of its weights' SHA-256: what a voice remembers of it."""
        with self._weight_path().open("rb") as file:
            return f"{self.path.name}@{hashlib.file_digest(file, 'sha256').hexdigest()[:12]}"

    def weights(self) -> dict[str, Tensor]:
        """Its tensors in float32 under today's key names, without the prefix of a larger model around it."""
        tensors = _read_tensors(self._weight_path())
        prefix = f"{self.model_type}."
        return {_renamed(key.removeprefix(prefix)): value for key, value in tensors.items()}

    def _weight_path(self) -> Path:
        for name in WEIGHT_FILES:
            if (self.path / name).is_file():
                return self.path / name
        raise CheckpointError(f"{self.path}: no weights there. Put one of {', '.join(WEIGHT_FILES)} into it.")


def open_hf_folder(path: str | Path, model_type: str, example: str) -> HfFolder:
    """Check that ``path`` is a folder of that kind; ``example`` is a published folder to name in errors."""
    path = Path(path)
    if not path.is_dir():
        raise CheckpointError(f"{path}: a folder such as {example} was asked for, found none there.")
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no config.json in it. Give the whole folder of {example}.") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path / 'config.json'}: not readable as JSON ({error}).") from error
    found = config.get("model_type") if isinstance(config, dict) else None
    if found != model_type:
        raise CheckpointError(
            f"{path}: a {model_type!r} network was asked for, its config.json says {found!r}. "
            f"Give the folder of {example}."
        )
    return HfFolder(path, model_type, config)


def import_transformers(purpose: str) -> ModuleType:
    """The library ``transformers``, or MissingExtraError."""
    if find_spec("transformers") is None:
        raise MissingExtraError(purpose, "transformers", "hubert")
    with _without_torchaudio():
        import transformers
        from transformers.models.bert import modeling_bert  # noqa: F401 (they look for torchaudio when loaded)
        from transformers.models.hubert import modeling_hubert  # noqa: F401
    return transformers


def load_network(
    folder: HfFolder,
    build: Callable[[], nn.Module],
    ignored: Callable[[str], bool],
    optional: frozenset[str] = frozenset(),
) -> nn.Module:
    """Build a network and give it the folder's weights, in float32 and eval mode.

    Keys that are ``ignored`` may be in the file; keys that are ``optional`` may be missing from it.
    """
    try:
        network = build()
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{folder.path}: no network can be built from its config.json ({error})."
        ) from error
    weights = {key: value for key, value in folder.weights().items() if not ignored(key)}
    faults = list(_faults(weights, network.state_dict(), optional))
    if faults:
        raise CheckpointError(
            f"{folder.path}: its weights do not fit its config.json, {len(faults)} faults:\n  "
            + "\n  ".join(faults[:40])
        )
    network.load_state_dict(weights, strict=False)
    return network.float().eval().requires_grad_(False)


@contextmanager
def _without_torchaudio() -> Iterator[None]:
    # transformers imports torchaudio wherever it is installed; a build for another torch fails with OSError.
    # None in sys.modules makes it count as absent; nothing used here needs it.
    found = sys.modules.get("torchaudio")
    sys.modules["torchaudio"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["torchaudio"]
        if isinstance(found, ModuleType):
            sys.modules["torchaudio"] = found


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content: Any = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: holds more than tensors, or is damaged; it was not executed. Download it again."
        ) from error
    except Exception as error:  # torch and safetensors raise many kinds for damaged files
        raise CheckpointError(f"{path}: not readable as weights ({error}). Download it again.") from error
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(f"{path}: expected a table of tensors. Give the original file.")
    return {str(key): value.float() if value.is_floating_point() else value for key, value in content.items()}


def _renamed(key: str) -> str:
    for old, new in _RENAMED:
        if key.endswith(old):
            return key.removesuffix(old) + new
    return key


def _faults(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor], optional: frozenset[str]
) -> Iterator[str]:
    for key in sorted(own.keys() | weights.keys()):
        if key not in own:
            yield f"unexpected {key}"
        elif key not in weights and key not in optional:
            yield f"missing {key} {list(own[key].shape)}"
        elif key in weights and weights[key].shape != own[key].shape:
            yield f"{key}: expected {list(own[key].shape)}, found {list(weights[key].shape)}"
