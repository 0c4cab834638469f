"""Reading a torch zip without running anything that is in it.

A checkpoint is a zip of stored (uncompressed) members: ``<root>/data.pkl`` and one member a storage. The
pickle may name only what :data:`ALLOWED` lists; everything else is refused before it is looked up.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autocompress.errors import CheckpointError

MAX_PICKLE_BYTES = 64 * 1024 * 1024
MAX_SETTINGS = 100_000  # a real configuration has about a hundred values
_DTYPES = {
    "HalfStorage": torch.float16,
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
ALLOWED = (
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.Size",
    "utils.HParams",
    *(f"torch.{name}" for name in _DTYPES),
)


class _StorageType:
    """Stands for a torch storage class; it can neither be called nor changed by the file."""

    __slots__ = ("dtype",)
    dtype: torch.dtype

    def __init__(self, dtype: torch.dtype) -> None:
        object.__setattr__(self, "dtype", dtype)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(name)


class _RebuildTensor:
    """Stands for torch's rebuild function: a view of a storage that fits inside it and repeats nothing."""

    __slots__ = ()

    def __call__(
        self, storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_ignored: Any
    ) -> Tensor:
        shape = torch.Size(size)
        fits = isinstance(storage, Tensor) and shape.numel() <= storage.numel()
        if not fits or min((offset, *size), default=0) < 0:
            raise CheckpointError(f"a tensor of shape {tuple(size)} does not fit the storage it names")
        return storage.as_strided(shape, stride, offset)


class _RebuildParameter:
    __slots__ = ()

    def __call__(self, data: Tensor, *_ignored: Any) -> Tensor:
        return data


def _new_hparams_class() -> type:
    """A fresh stand-in for upstream's ``utils.HParams``, so that no file can leave anything behind in it."""
    return type("HParams", (), {"__slots__": ("__dict__",)})


class _RestrictedUnpickler(pickle.Unpickler):
    def __init__(self, data: bytes, storages: dict[str, memoryview]) -> None:
        super().__init__(io.BytesIO(data))
        self._storages = storages
        self._loaded: dict[str, Tensor] = {}
        self._allowed: dict[str, Any] = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": _RebuildTensor(),
            "torch._utils._rebuild_parameter": _RebuildParameter(),
            "torch.Size": tuple,
            "utils.HParams": _new_hparams_class(),
            **{f"torch.{name}": _StorageType(dtype) for name, dtype in _DTYPES.items()},
        }

    def find_class(self, module: str, name: str) -> Any:
        wanted = f"{module}.{name}"
        if wanted not in self._allowed:
            raise CheckpointError(
                f"the file asks for {wanted!r}, which no GPT-SoVITS checkpoint needs; it was not run. "
                "Do not load this file elsewhere either unless you trust where it came from."
            )
        return self._allowed[wanted]

    def persistent_load(self, pid: Any) -> Tensor:
        known = isinstance(pid, tuple) and len(pid) == 5 and isinstance(pid[1], _StorageType)
        if not known or pid[0] != "storage":
            raise CheckpointError(f"a storage is described in an unknown way: {str(pid)[:80]}")
        key = str(pid[2])
        if key not in self._storages:
            raise CheckpointError(f"storage {key!r} is named but not in the file")
        if key not in self._loaded:
            self._loaded[key] = _as_tensor(self._storages[key], pid[1].dtype)
        return self._loaded[key]


def _as_tensor(data: memoryview, dtype: torch.dtype) -> Tensor:
    if len(data) % dtype.itemsize:
        raise CheckpointError(f"a storage of {len(data)} bytes is no whole number of {dtype} values")
    return torch.frombuffer(data, dtype=dtype) if len(data) else torch.empty(0, dtype=dtype)


def plain(value: Any) -> Any:
    """HParams objects (and anything nested in them) as plain dicts; absurdly large ones are refused."""
    try:
        return _plain(value, iter(range(MAX_SETTINGS)))
    except (RecursionError, StopIteration):
        raise CheckpointError(
            f"its configuration is nested without end or has over {MAX_SETTINGS} values"
        ) from None


def _plain(value: Any, budget: Iterator[int]) -> Any:
    next(budget)
    if type(value).__name__ == "HParams":
        value = vars(value)
    if isinstance(value, dict):
        return {key: _plain(item, budget) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, budget) for item in value]
    return value


def unpickle_zip(data: bytearray, path: Path) -> Any:
    """The object inside a torch zip; raises CheckpointError for anything else, and for anything hostile."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            pickled, storages = _members(archive, len(data))
        return _RestrictedUnpickler(pickled, storages).load()
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except zipfile.BadZipFile as error:
        raise CheckpointError(
            f"{path}: not a whole torch checkpoint ({error}). It may be truncated, in the format of torch "
            "before 1.6, or another kind of file; download it again."
        ) from None
    except Exception as error:  # a hostile pickle may fail in any way; none of them may pass as a crash
        raise CheckpointError(
            f"{path}: the checkpoint is damaged ({type(error).__name__}: {error})."
        ) from None


def _members(archive: zipfile.ZipFile, file_bytes: int) -> tuple[bytes, dict[str, memoryview]]:
    infos = archive.infolist()
    if (
        any(i.compress_type != zipfile.ZIP_STORED for i in infos)
        or sum(i.file_size for i in infos) > file_bytes
    ):
        raise CheckpointError("its members are compressed or overlap, which torch never writes; refused")
    names = [i.filename for i in infos if i.filename.count("/") == 1 and i.filename.endswith("/data.pkl")]
    if len(names) != 1:
        raise CheckpointError("a zip file, but no torch checkpoint (it has no data.pkl)")
    if archive.getinfo(names[0]).file_size > MAX_PICKLE_BYTES:
        raise CheckpointError(f"its pickle is larger than {MAX_PICKLE_BYTES} bytes; refused")
    root = names[0].removesuffix("data.pkl")
    order = f"{root}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise CheckpointError("it was written on a big-endian machine; re-save it on a little-endian one")
    prefix = f"{root}data/"
    keys = [i.filename for i in infos if i.filename.startswith(prefix)]
    storages = {key.removeprefix(prefix): memoryview(bytearray(archive.read(key))) for key in keys}
    return archive.read(names[0]), storages
