"""The evaluation set: which sentences are spoken in which voices with which seeds, fixed in a file.

A manifest is TOML::

    schema = 1
    seed = 2024
    [[sentence]]
    id = "s01"
    text = "The judge admired the old piano."
    language = "en"
    [[voice]]
    name = "emma"
    reference = "emma.flac"
    text = "What the reference says."
"""

import difflib
import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import soundfile

from autocompress.errors import MalformedError
from autocompress.metrics.score import Item
from autocompress.metrics.text_normalization import normalized_words
from autocompress.metrics.utterance import Recording
from autocompress.models.text.languages import find_mode

Row = TypeVar("Row")

SCHEMA = 1
_TOP_KEYS = {"schema": int, "seed": int, "sentence": list, "voice": list}
_SENTENCE_KEYS = {"id": str, "text": str, "language": str}
_VOICE_KEYS = {"name": str, "reference": str, "text": str}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text to be said."""

    id: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class ReferenceVoice:
    """A speaker to be imitated: a recording and what it says."""

    name: str
    reference: Recording
    text: str


@dataclass(frozen=True, slots=True)
class Task:
    """One sentence to be said in one voice with one seed."""

    item: Item
    sentence: Sentence
    voice: ReferenceVoice
    seed: int


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Sentences and voices; every model that is compared speaks the same tasks."""

    seed: int
    sentences: tuple[Sentence, ...]
    voices: tuple[ReferenceVoice, ...]

    def every_pair(self) -> tuple[Task, ...]:
        """Each sentence in each voice."""
        return tuple(self._task(sentence, voice) for sentence in self.sentences for voice in self.voices)

    def in_turn(self) -> tuple[Task, ...]:
        """Each sentence once, the voices taking turns: balanced over voices to within one sentence."""
        turns = enumerate(self.sentences)
        return tuple(self._task(sentence, self.voices[n % len(self.voices)]) for n, sentence in turns)

    def first(self, n_sentences: int, n_voices: int) -> "EvaluationSet":
        """The smaller set of the first sentences and voices; its tasks keep their seeds."""
        return EvaluationSet(self.seed, self.sentences[:n_sentences], self.voices[:n_voices])

    def refuse_overlap(self, texts: Iterable[str], role: str) -> None:
        """Raise `MalformedError` when a sentence is also among ``texts``, which serve as ``role``."""
        others = {tuple(normalized_words(text)) for text in texts}
        shared = [s.id for s in self.sentences if tuple(normalized_words(s.text)) in others]
        if shared:
            raise MalformedError(
                f"Evaluating apart from {role}: {len(shared)} sentences are in both ({', '.join(shared)}). "
                f"Take them out of one."
            )

    def _task(self, sentence: Sentence, voice: ReferenceVoice) -> Task:
        item = Item(sentence.id, voice.name)
        return Task(item, sentence, voice, _derived_seed(self.seed, item))


def read_evaluation_set(manifest: Path) -> EvaluationSet:
    """Read and check ``manifest``; one `MalformedError` lists every fault of it and of the files it names."""
    try:
        table = tomllib.loads(manifest.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MalformedError(
            f"Reading the evaluation set {manifest}: {error}. Give a TOML manifest."
        ) from error
    faults: list[str] = []
    _check_keys("", table, _TOP_KEYS, faults)
    if table.get("schema", SCHEMA) != SCHEMA:
        faults.append(f"schema is {table['schema']!r}, this version reads {SCHEMA}")
    sentences = _read_rows(table, "sentence", _SENTENCE_KEYS, _read_sentence, faults)
    voices = _read_rows(table, "voice", _VOICE_KEYS, lambda row: _read_voice(row, manifest.parent), faults)
    _check_unique("sentence id", [sentence.id for sentence in sentences], faults)
    _check_unique("voice name", [voice.name for voice in voices], faults)
    if faults:
        listed = "".join(f"\n  - {fault}" for fault in faults)
        raise MalformedError(
            f"Reading the evaluation set {manifest}: {len(faults)} faults.{listed}\nMend them all."
        )
    return EvaluationSet(table["seed"], tuple(sentences), tuple(voices))


def _read_sentence(row: Mapping[str, str]) -> Sentence:
    if not normalized_words(row["text"]):
        raise MalformedError("its text holds no word")
    find_mode(row["language"])
    return Sentence(row["id"], row["text"], row["language"])


def _read_voice(row: Mapping[str, str], folder: Path) -> ReferenceVoice:
    return ReferenceVoice(row["name"], read_recording(folder / row["reference"]), row["text"])


def read_recording(path: Path) -> Recording:
    """A mono recording from an audio file; `MalformedError` says why it cannot be used."""
    if not path.is_file():
        raise MalformedError(f"{path.name} is missing")
    try:
        samples, sample_rate_hz = soundfile.read(path, dtype="float32")
    except soundfile.LibsndfileError as error:
        raise MalformedError(f"{path.name} cannot be read as audio ({error})") from error
    recording = Recording(samples, sample_rate_hz)
    fault = recording.fault()
    if fault:
        raise MalformedError(f"{path.name}: {fault}")
    return recording


def _read_rows(
    table: Mapping[str, Any],
    kind: str,
    keys: Mapping[str, type],
    read: Callable[[Mapping[str, str]], Row],
    faults: list[str],
) -> list[Row]:
    rows = table.get(kind, [])
    if not isinstance(rows, list):
        return []  # told already, by its type
    if not rows:
        faults.append(f"there is no [[{kind}]]")
        return []
    done = []
    for number, row in enumerate(rows, start=1):
        where = f"{kind} {number}"
        if not isinstance(row, dict):
            faults.append(f"{where} is {row!r}, expected a table: write [[{kind}]]")
            continue
        n_before = len(faults)
        _check_keys(where, row, keys, faults)
        if len(faults) > n_before:
            continue
        try:
            done.append(read(row))
        except MalformedError as error:
            faults.append(f"{where}: {error}")
    return done


def _check_keys(where: str, row: Mapping[str, Any], keys: Mapping[str, type], faults: list[str]) -> None:
    prefix = f"{where}: " if where else ""
    for key in sorted(row.keys() - keys.keys()):
        near = difflib.get_close_matches(key, keys, n=1)
        faults.append(f"{prefix}unknown key {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))
    for key, kind in keys.items():
        if key not in row:
            faults.append(f"{prefix}{key!r} is missing")
        elif not isinstance(row[key], kind) or isinstance(row[key], bool):
            faults.append(f"{prefix}{key!r} is {row[key]!r}, expected {kind.__name__}")


def _check_unique(what: str, names: list[str], faults: list[str]) -> None:
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.append(f"the {what} {name!r} is used {names.count(name)} times")


def _derived_seed(seed: int, item: Item) -> int:
    """A seed of the task's own, equal in every process and in every subset of the set."""
    digest = hashlib.sha256(f"{seed}/{item}".encode()).digest()
    return int.from_bytes(digest[:4], "big")
