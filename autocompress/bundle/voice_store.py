"""``voices.db``: the voices of a bundle in SQLite, one row each, read when they are first spoken with.

Writers take the file one after the other (``BEGIN IMMEDIATE``, and others wait); SQLite's rollback journal
undoes what a killed writer left. No write-ahead log: a bundle on read-only storage must open too.
"""

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from autocompress.errors import BundleError
from autocompress.hardware.strict_toml import nearest
from autocompress.models.audio import Samples
from autocompress.models.voice import Voice, VoiceOrigin

SCHEMA = 1
WAIT_S = 30.0
DEFAULT_MEMORY_BYTES = 32_000_000
_TABLE = """
CREATE TABLE voices (
    name TEXT PRIMARY KEY,
    language TEXT NOT NULL,
    transcript TEXT NOT NULL,
    source_sha256 TEXT NOT NULL,
    origin TEXT NOT NULL,
    identity TEXT NOT NULL,
    prompt_tokens BLOB NOT NULL,
    prompt_phoneme_ids BLOB NOT NULL,
    style BLOB NOT NULL,
    speaker_embedding BLOB,
    prompt_bert BLOB
) STRICT
"""
_COLUMNS = (
    "name, language, transcript, source_sha256, origin, identity, prompt_tokens, prompt_phoneme_ids, style, "
    "speaker_embedding, prompt_bert"
)


@dataclass(frozen=True)
class VoiceRow:
    """What a list of voices shows; no arrays are read for it."""

    name: str
    language: str
    transcript: str
    source_sha256: str
    size_bytes: int


class VoiceStore:
    """Voices by name. Those spoken with last stay in memory, up to ``memory_bytes``. Safe between threads."""

    def __init__(self, path: str | Path, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        self._path = Path(path)
        self._memory_bytes = memory_bytes
        self._kept: OrderedDict[str, tuple[str, Voice]] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def create(cls, path: str | Path) -> "VoiceStore":
        """A new, empty store; raises BundleError where a file is already."""
        path = Path(path)
        if path.exists():
            raise BundleError(f"{path} is there already; a new voice store would lose its voices. Open it.")
        with _connected(path, "rwc") as db:
            db.execute(_TABLE)
            db.execute(f"PRAGMA user_version = {SCHEMA}")
        return cls(path)

    def add(self, voice: Voice, speaker_embedding: Samples | None = None, *, replacing: bool = False) -> None:
        """Store a voice without its reference spectrograms; a known name is refused unless ``replacing``."""
        verb = "INSERT OR REPLACE" if replacing else "INSERT"
        marks = ", ".join("?" * len(_COLUMNS.split(",")))
        try:
            with self._writing() as db:
                db.execute(
                    f"{verb} INTO voices ({_COLUMNS}) VALUES ({marks})", _row(voice, speaker_embedding)
                )
        except sqlite3.IntegrityError as error:
            raise BundleError(
                f"{self._path} has a voice {voice.name!r} already. Remove it first, or choose another name."
            ) from error

    def remove(self, name: str) -> None:
        """Delete a voice; raises BundleError naming the nearest when there is none of that name."""
        with self._writing() as db:
            gone = db.execute("DELETE FROM voices WHERE name = ?", (name,)).rowcount
        with self._lock:
            self._kept.pop(name, None)
        if not gone:
            raise self._unknown(name)

    def get(self, name: str) -> Voice:
        """The voice ``name``, from memory while its row is unchanged; BundleError when unknown or damaged."""
        with _connected(self._path) as db:
            found = db.execute("SELECT identity FROM voices WHERE name = ?", (name,)).fetchone()
            if found is None:
                raise self._unknown(name)
            kept = self._kept.get(name)
            if kept is not None and kept[0] == found["identity"]:
                with self._lock:
                    self._kept.move_to_end(name)
                return kept[1]
            row = db.execute(f"SELECT {_COLUMNS} FROM voices WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise self._unknown(name)
        voice = _voice(row, self._path)
        self._keep(name, row["identity"], voice)
        return voice

    def speaker_embedding(self, name: str) -> Samples | None:
        """The embedding of the target speaker, where one was stored."""
        with _connected(self._path) as db:
            row = db.execute("SELECT speaker_embedding FROM voices WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise self._unknown(name)
        blob = row["speaker_embedding"]
        return None if blob is None else np.frombuffer(blob, np.float32)

    def rows(self) -> tuple[VoiceRow, ...]:
        """Every voice by name, without its arrays."""
        size = " + ".join(f"coalesce(length({c}), 0)" for c in _COLUMNS.split(", ")[6:])
        shown = f"name, language, transcript, source_sha256, {size} AS size_bytes"
        with _connected(self._path) as db:
            return tuple(VoiceRow(**row) for row in db.execute(f"SELECT {shown} FROM voices ORDER BY name"))

    def names(self) -> tuple[str, ...]:
        with _connected(self._path) as db:
            return tuple(row["name"] for row in db.execute("SELECT name FROM voices ORDER BY name"))

    def __len__(self) -> int:
        with _connected(self._path) as db:
            return int(db.execute("SELECT count(*) FROM voices").fetchone()[0])

    def __contains__(self, name: object) -> bool:
        with _connected(self._path) as db:
            return db.execute("SELECT 1 FROM voices WHERE name = ?", (name,)).fetchone() is not None

    @property
    def kept_bytes(self) -> int:
        """Bytes of the voices that are in memory."""
        return sum(_bytes_of(voice) for _, voice in self._kept.values())

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with _connected(self._path) as db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    def _keep(self, name: str, identity: str, voice: Voice) -> None:
        with self._lock:
            self._kept[name] = (identity, voice)
            self._kept.move_to_end(name)
            while self.kept_bytes > self._memory_bytes and len(self._kept) > 1:
                self._kept.popitem(last=False)

    def _unknown(self, name: str) -> BundleError:
        names = self.names()
        near = f"; the nearest is {nearest(name, names)!r}" if names else "; there are none yet"
        return BundleError(f"no voice {name!r} in {self._path}{near}. See: autocompress voices list.")


@contextmanager
def _connected(path: Path, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    """A connection that commits at the end, or undoes everything; SQLite's own errors become BundleErrors.

    Readers ask to write as well, for the first one after a killed writer has to undo what it left. SQLite
    opens a write-protected file for reading all the same.
    """
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=WAIT_S)
    except sqlite3.OperationalError as error:
        raise BundleError(f"the voice store {path} cannot be opened ({error}). Check the path.") from error
    try:
        db.row_factory = sqlite3.Row
        with db:
            if mode != "rwc":
                _check_schema(db, path)
            yield db
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        raise BundleError(f"the voice store {path} is busy, full or damaged ({error}).") from error
    finally:
        db.close()


def _check_schema(db: sqlite3.Connection, path: Path) -> None:
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found > SCHEMA:
        raise BundleError(
            f"{path} has schema {found}; the newest known here is {SCHEMA}. Update autocompress."
        )
    if found < 1:
        raise BundleError(f"{path} is no voice store. Copy the bundle again.")


def _row(voice: Voice, embedding: Samples | None) -> tuple[Any, ...]:
    spoken = replace(voice, spectrograms=(), speaker_vectors=())
    bert, mean = voice.prompt_bert, embedding
    return (
        voice.name, voice.language, voice.transcript, ",".join(voice.origin.recordings),
        json.dumps(asdict(voice.origin), ensure_ascii=False), spoken.identity,
        voice.prompt_tokens.tobytes(), voice.prompt_phoneme_ids.tobytes(), voice.style.tobytes(),
        None if mean is None else mean.astype(np.float32).tobytes(), None if bert is None else bert.tobytes(),
    )  # fmt: skip


def _voice(row: sqlite3.Row, path: Path) -> Voice:
    try:
        origin = json.loads(row["origin"])
        known = {field.name: origin[field.name] for field in fields(VoiceOrigin) if field.name in origin}
        phonemes = np.frombuffer(row["prompt_phoneme_ids"], np.int64)
        bert = row["prompt_bert"]
        voice = Voice(
            row["name"], row["language"], row["transcript"], np.frombuffer(row["prompt_tokens"], np.int64),
            phonemes, np.frombuffer(row["style"], np.float32),
            VoiceOrigin(**known | {"recordings": tuple(known["recordings"])}),
            None if bert is None else np.frombuffer(bert, np.float32).reshape(-1, len(phonemes)),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError) as error:
        raise BundleError(f"voice {row['name']!r} in {path} is damaged ({error}). Add it again.") from error
    if voice.identity != row["identity"]:
        raise BundleError(f"voice {row['name']!r} in {path} is damaged: its contents changed. Add it again.")
    return voice


def _bytes_of(voice: Voice) -> int:
    bert = 0 if voice.prompt_bert is None else voice.prompt_bert.nbytes
    return voice.prompt_tokens.nbytes + voice.prompt_phoneme_ids.nbytes + voice.style.nbytes + bert
