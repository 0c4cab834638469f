"""A voice: everything that speaking with it needs, computed once from a reference. Holds no torch."""

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autocompress.errors import BundleError
from autocompress.models.audio import Samples

Ids = npt.NDArray[np.int64]

FORMAT_VERSION = 1
_HEADER = "header"
_PAIRED = ("spectrograms", "speaker_vectors")


@dataclass(frozen=True)
class VoiceOrigin:
    """What a voice was made from and with; ``None`` where a part was not used.

    ``recordings`` are the SHA-256 of the reference files. Without ``content_encoder`` the prompt tokens were
    given; without ``bert`` its features are zeros; ``speaker_network`` matters to v2Pro and v2ProPlus only.
    """

    recordings: tuple[str, ...]
    version: str
    model: str = ""
    content_encoder: str | None = None
    bert: str | None = None
    speaker_network: str | None = None


@dataclass(frozen=True, eq=False)
class Voice:
    """A named voice. T prompt tokens at 25 Hz, P prompt phonemes, R reference frames at 50 Hz.

    ``style`` is the global condition, averaged over the references; the reference spectrograms and speaker
    vectors stay beside it, so that another style encoder can compute its own.
    """

    name: str
    language: str
    transcript: str
    prompt_tokens: Ids  # [T]
    prompt_phoneme_ids: Ids  # [P]
    style: Samples  # [gin]
    origin: VoiceOrigin
    prompt_bert: Samples | None = None  # [1024, P]; None stands for zeros
    spectrograms: tuple[Samples, ...] = ()  # each [bins, R]
    speaker_vectors: tuple[Samples, ...] = ()  # each [20480]; v2Pro and v2ProPlus only

    def __post_init__(self) -> None:
        if faults := _faults(self):
            raise BundleError(f"voice {self.name!r}: " + "; ".join(faults))
        for array in self._arrays().values():
            array.setflags(write=False)

    @property
    def identity(self) -> str:
        """SHA-256 of what is heard: of every array and the language, not of the name."""
        digest = hashlib.sha256(self.language.encode())
        for key, array in sorted(self._arrays().items()):
            digest.update(f"{key}{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def bert(self, width: int = 1024) -> Samples:
        """BERT features of the prompt [width, P]: zeros where none were made."""
        if self.prompt_bert is not None:
            return self.prompt_bert
        return np.zeros((width, len(self.prompt_phoneme_ids)), np.float32)

    def renamed(self, name: str) -> "Voice":
        return replace(self, name=name)

    def save(self, path: str | Path) -> None:
        """Write the voice to one ``.npz`` file."""
        header = {
            "format": FORMAT_VERSION,
            "name": self.name,
            "language": self.language,
            "transcript": self.transcript,
            "origin": asdict(self.origin),
        }
        text = np.frombuffer(json.dumps(header, ensure_ascii=False).encode(), dtype=np.uint8)
        with Path(path).open("wb") as file:
            arrays: dict[str, Any] = {_HEADER: text, **self._arrays()}
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Voice":
        """Read a voice that ``save`` wrote; raises BundleError for anything else. Executes nothing."""
        try:
            # opened here: np.load leaves a damaged file open
            with Path(path).open("rb") as content, np.load(content, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
            return _from_parts(json.loads(arrays.pop(_HEADER).tobytes()), arrays)
        except FileNotFoundError as error:
            raise BundleError(f"{path}: no voice there. Check the path.") from error
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            EOFError,
            zipfile.BadZipFile,
        ) as error:
            raise BundleError(
                f"{path}: not a voice file, or damaged ({error}). Make the voice again."
            ) from error

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        arrays: dict[str, npt.NDArray[Any]] = {
            "prompt_tokens": self.prompt_tokens,
            "prompt_phoneme_ids": self.prompt_phoneme_ids,
            "style": self.style,
        }
        if self.prompt_bert is not None:
            arrays["prompt_bert"] = self.prompt_bert
        for key in _PAIRED:
            arrays |= {f"{key}.{i}": value for i, value in enumerate(getattr(self, key))}
        return arrays


def _from_parts(header: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Voice:
    if header["format"] > FORMAT_VERSION:
        raise BundleError(
            f"voice format {header['format']} is newer than {FORMAT_VERSION}, the newest known here. "
            "Update autocompress."
        )
    listed = {key: _numbered(arrays, key) for key in _PAIRED}
    known = {field.name for field in fields(VoiceOrigin)}
    origin = {key: value for key, value in header["origin"].items() if key in known}
    return Voice(
        name=header["name"],
        language=header["language"],
        transcript=header["transcript"],
        origin=VoiceOrigin(**origin | {"recordings": tuple(origin["recordings"])}),
        **arrays,  # type: ignore[arg-type]
        **listed,  # type: ignore[arg-type]
    )


def _numbered(arrays: dict[str, npt.NDArray[Any]], key: str) -> tuple[npt.NDArray[Any], ...]:
    """Take ``key.0``, ``key.1``, … out of the arrays."""
    count = sum(name.startswith(f"{key}.") for name in arrays)
    return tuple(arrays.pop(f"{key}.{i}") for i in range(count))


def _faults(voice: Voice) -> list[str]:
    kinds = {"prompt_tokens": 1, "prompt_phoneme_ids": 1, "style": 1, "prompt_bert": 2, "spectrograms": 2}
    faults = []
    for key, array in voice._arrays().items():
        wanted = kinds.get(key.partition(".")[0], 1)
        whole = key in ("prompt_tokens", "prompt_phoneme_ids")
        if array.ndim != wanted or array.dtype != (np.int64 if whole else np.float32):
            faults.append(f"{key} must be {'int64' if whole else 'float32'} with {wanted} dimensions")
        elif whole and (array.size == 0 or array.min() < 0):
            faults.append(f"{key} must hold ids from 0, at least one")
        elif not whole and not np.isfinite(array).all():
            faults.append(f"{key} holds NaN or infinite values")
    if (
        not faults
        and voice.prompt_bert is not None
        and voice.prompt_bert.shape[1] != len(voice.prompt_phoneme_ids)
    ):
        faults.append("prompt_bert must have one column a phoneme")
    if voice.speaker_vectors and len(voice.speaker_vectors) != len(voice.spectrograms):
        faults.append("each reference spectrogram needs its own speaker vector")
    if not voice.name.strip():
        faults.append("a voice needs a name")
    return faults
