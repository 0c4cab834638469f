"""Where voices come from: ``voices.toml``, and files of prompt tokens. Holds no torch.

::

    [emma]
    recording = "emma.wav"              # 3 to 10 s, said by the voice; relative to this file's folder
    transcript = "What the recording says."
    language = "en"                     # default: auto
    references = ["emma2.flac"]         # optional: more recordings, averaged into the style
    tokens = "emma.tokens.txt"          # optional: prompt tokens, where there is no HuBERT
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autocompress.errors import MalformedError
from autocompress.models.voice import Ids

LANGUAGES = ("auto", "auto_yue", "zh", "en", "ja", "ko", "yue", "all_zh", "all_ja", "all_ko", "all_yue")
_REQUIRED = ("recording", "transcript")
_KEYS = (*_REQUIRED, "language", "references", "tokens")


@dataclass(frozen=True)
class VoiceSource:
    """What a voice is made from; ``references`` shape its style beside ``recording``.

    ``tokens`` are precomputed prompt tokens, or a file of them.
    """

    name: str
    recording: Path
    transcript: str
    language: str = "auto"
    references: tuple[Path, ...] = ()
    tokens: Path | tuple[int, ...] | None = None

    @property
    def recordings(self) -> tuple[Path, ...]:
        return (self.recording, *self.references)


def read_voices(path: str | Path) -> tuple[VoiceSource, ...]:
    """Every voice of a ``voices.toml``, in its order; raises MalformedError that lists all its faults."""
    path = Path(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MalformedError(f"{path}: no such file. Give a voices.toml.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MalformedError(f"{path}: not readable as TOML: {error}") from error
    faults = [fault for name, entry in document.items() for fault in _faults(name, entry, path.parent)]
    if not document:
        faults = ["no voices in it; add a table such as [emma] with recording and transcript"]
    if faults:
        raise MalformedError(f"{path}: {len(faults)} faults:\n  " + "\n  ".join(faults))
    return tuple(_source(name, entry, path.parent) for name, entry in document.items())


def read_tokens(path: str | Path) -> Ids:
    """Prompt tokens [T] from a ``.npy`` array or from a text of whole numbers; raises MalformedError."""
    path = Path(path)
    try:
        tokens = np.load(path, allow_pickle=False) if path.suffix == ".npy" else _parse_tokens(path)
    except (OSError, ValueError, EOFError) as error:
        raise MalformedError(
            f"{path}: not a list of semantic tokens ({error}). Give whole numbers, or a .npy array of them."
        ) from error
    return check_tokens(tokens, str(path))


def check_tokens(tokens: Any, source: str) -> Ids:
    """Prompt tokens as int64 [T]; raises MalformedError unless they are ids from 0, at least one."""
    array = np.asarray(tokens).reshape(-1)
    if not np.issubdtype(array.dtype, np.integer) or array.size == 0 or array.min() < 0:
        raise MalformedError(f"{source}: semantic tokens must be whole numbers from 0, at least one.")
    return array.astype(np.int64)


def _parse_tokens(path: Path) -> Ids:
    words = path.read_text(encoding="utf-8").replace(",", " ").split()
    return np.array([int(word) for word in words], dtype=np.int64)


def _faults(name: str, entry: Any, folder: Path) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield f"{name}: a voice is a table: [{name}] with recording and transcript"
        return
    for key in entry:
        if key not in _KEYS:
            yield f"[{name}] unknown key {key!r}{_nearest(key)}"
    for key in _REQUIRED:
        if key not in entry:
            yield f"[{name}] {key} is missing"
    for key, value in entry.items():
        if key in _KEYS:
            yield from (f"[{name}] {key} {fault}" for fault in _value_faults(key, value, folder))


def _value_faults(key: str, value: Any, folder: Path) -> Iterator[str]:
    values = value if key == "references" and isinstance(value, list) else [value]
    for item in values:
        if not isinstance(item, str) or not item.strip():
            yield f"must be a text{' or a list of texts' if key == 'references' else ''}, found {item!r}"
        elif key == "language" and item not in LANGUAGES:
            yield f"must be one of {', '.join(LANGUAGES)}, found {item!r}"
        elif key in ("recording", "references", "tokens") and not (folder / item).is_file():
            yield f"names no file: {folder / item}"


def _nearest(key: str) -> str:
    close = difflib.get_close_matches(key, _KEYS, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(_KEYS)}"


def _source(name: str, entry: Mapping[str, Any], folder: Path) -> VoiceSource:
    references = entry.get("references", [])
    listed = references if isinstance(references, list) else [references]
    return VoiceSource(
        name=name,
        recording=folder / entry["recording"],
        transcript=entry["transcript"],
        language=entry.get("language", "auto"),
        references=tuple(folder / reference for reference in listed),
        tokens=folder / entry["tokens"] if "tokens" in entry else None,
    )
