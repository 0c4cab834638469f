"""Text → phoneme ids, the one door to this package."""

import warnings
from dataclasses import dataclass
from importlib import import_module

from autocompress.errors import TextError
from autocompress.models.text.languages import V1_LANGUAGES, Span, split_languages
from autocompress.models.text.reading import Reader, Reading
from autocompress.models.text.sentences import clean
from autocompress.models.text.symbols import PUNCTUATION, UNKNOWN, symbol_table, table_version

SHORTEST_UTTERANCE = 6  # phonemes; below it upstream puts a full stop in front and reads again

ACCENT_MARKS = ("[", "]", "#")  # Japanese

READERS = {  # language: module with a function ``read``; imported on first use
    "en": "autocompress.models.text.english.g2p",
    "zh": "autocompress.models.text.chinese.g2p",
    "ja": "autocompress.models.text.japanese",
    "ko": "autocompress.models.text.korean.g2p",
    "yue": "autocompress.models.text.cantonese",
}


class UnknownCharacterWarning(UserWarning):
    """Characters of a text have no reading; the message names them."""


@dataclass(frozen=True)
class Segment:
    """A stretch of an utterance in one language; ``word2ph`` as in :class:`Reading`."""

    language: str
    normalized: str
    symbols: tuple[str, ...]
    ids: tuple[int, ...]
    word2ph: tuple[int, ...] | None


@dataclass(frozen=True)
class Phonemes:
    """An utterance as a model reads it: ``ids`` index its phoneme embedding.

    ``unknown`` holds the characters without a reading, each once, in order of appearance.
    """

    version: str
    segments: tuple[Segment, ...]
    unknown: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(i for segment in self.segments for i in segment.ids)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(symbol for segment in self.segments for symbol in segment.symbols)

    @property
    def normalized(self) -> str:
        return "".join(segment.normalized for segment in self.segments)

    def __len__(self) -> int:
        return sum(len(segment.ids) for segment in self.segments)


def to_phonemes(text: str, language: str = "auto", version: str = "v2") -> Phonemes:
    """Read ``text`` aloud as phoneme ids of the symbol table of ``version``.

    ``language`` is an upstream mode: ``auto``, ``auto_yue``, ``en``, or ``zh``, ``ja``, ``ko``, ``yue``
    (each with English mixed in; ``all_zh`` … without). Characters without a reading are named in an
    :class:`UnknownCharacterWarning`. Raises :class:`TextError` where nothing can be spoken at all, and
    :class:`MissingExtraError` where a language needs a package that is not installed.
    """
    cleaned = clean(text)
    phonemes = _read(cleaned, language, version)
    if not any(symbol not in PUNCTUATION for symbol in phonemes.symbols):
        raise TextError(f"nothing in {_shorten(text)!r} can be spoken. Give at least one word.")
    if len(phonemes) < SHORTEST_UTTERANCE:
        opening = "." if not cleaned[:1].isdigit() else "…"  # no decimal point
        phonemes = _read(opening + cleaned, language, version)
    if phonemes.unknown:
        warnings.warn(_unknown_message(phonemes.unknown, text), UnknownCharacterWarning, stacklevel=2)
    return phonemes


def _read(text: str, language: str, version: str) -> Phonemes:
    segments: list[Segment] = []
    unreadable: list[str] = []
    for span in split_languages(text, language):
        reading = _reader(span, version)(span.text)
        unreadable.extend(reading.unreadable)
        segments.append(_segment(span.language, reading, version))
    return Phonemes(table_version(version), tuple(segments), tuple(dict.fromkeys(unreadable)))


def _reader(span: Span, version: str) -> Reader:
    if table_version(version) == "v1" and span.language not in V1_LANGUAGES:
        raise TextError(
            f"a v1 model speaks {', '.join(V1_LANGUAGES)}, and {_shorten(span.text)!r} is {span.language}. "
            "Use a model of version v2 or later."
        )
    reader: Reader = import_module(READERS[span.language]).read
    return reader


def _segment(language: str, reading: Reading, version: str) -> Segment:
    table = symbol_table(version)
    phonemes = reading.phonemes
    if table.version == "v1":  # trained before the pitch marks came
        phonemes = tuple(phoneme for phoneme in phonemes if phoneme not in ACCENT_MARKS)
    symbols = tuple(phoneme if phoneme in table else UNKNOWN for phoneme in phonemes)
    return Segment(language, reading.normalized, symbols, table.ids(symbols), reading.word2ph)


def _unknown_message(characters: tuple[str, ...], text: str) -> str:
    named = ", ".join(f"{char!r} (U+{ord(char[0]):04X})" for char in characters)
    return f"no reading for {named} in {_shorten(text)!r}; left out of the speech. Spell it out in words."


def _shorten(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
