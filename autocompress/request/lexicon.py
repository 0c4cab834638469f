"""The words of a request, English and Chinese, read from ``lexicon.toml``; ``parser`` gives them meaning."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any


class Kind(Enum):
    """What a word or sign does in a line; the value is its section of ``lexicon.toml``."""

    QUANTITY = "quantity"
    MAX = "max"  # "under", "<"
    MIN = "min"  # "over", ">"
    BETTER = "better"  # "better than": the side that the quantity wants
    FASTER = "faster"  # an upper bound on time, a lower bound on speed
    SLOWER = "slower"
    EQUAL = "equal"
    REAL_TIME = "real_time"
    SPOKEN = "spoken"  # "of audio": the time before it is a length of speech
    TARGET = "target"  # "on", "device": a device is named next
    SEPARATOR = "separator"
    FILLER = "filler"
    VAGUE = "vague"  # understood, but not a limit
    NUMBER = "number"
    UNIT = "unit"
    DEVICE = "device"


@dataclass(frozen=True)
class Word:
    """What a phrase means: ``value`` is a field or an advice; ``before`` and ``after`` its number."""

    kind: Kind
    value: str = ""
    before: bool = True
    after: bool = False


_SIMPLE = (
    Kind.FILLER,
    Kind.EQUAL,
    Kind.REAL_TIME,
    Kind.SPOKEN,
    Kind.TARGET,
    Kind.SEPARATOR,
)
_PLACES = {"before": (True, False), "both": (True, True), "after": (False, True)}


def _phrases(section: Mapping[str, Any]) -> Iterator[str]:
    """The phrases of one section: signs one by one, words separated by commas."""
    yield from section.get("signs", ())
    for language in ("en", "zh"):
        yield from (" ".join(p.split()) for p in section.get(language, "").split(",") if p.strip())


def _words(data: Mapping[str, Any]) -> dict[str, Word]:
    table: dict[str, Word] = {}
    for section in data["vague"]:
        table |= dict.fromkeys(_phrases(section), Word(Kind.VAGUE, section["advice"]))
    for kind in _SIMPLE:
        table |= dict.fromkeys(_phrases(data[kind.value]), Word(kind))
    for kind in (Kind.MAX, Kind.MIN, Kind.BETTER, Kind.FASTER, Kind.SLOWER):
        for place, section in data[kind.value].items():
            table |= dict.fromkeys(_phrases(section), Word(kind, "", *_PLACES[place]))
    for field, section in data["quantity"].items():
        table |= dict.fromkeys(_phrases(section), Word(Kind.QUANTITY, field))
    return table


_DATA = tomllib.loads(Path(__file__).with_name("lexicon.toml").read_text(encoding="utf-8"))
WORDS = _words(_DATA)
LOCAL_NAMES = tuple(_phrases(_DATA["local_device"]))
BRANDS = frozenset(_phrases(_DATA["device_brands"]))
DEVICE_SUFFIXES = frozenset(_phrases(_DATA["device_suffixes"]))


_BEFORE_DIGITS = {Kind.QUANTITY, Kind.MAX, Kind.MIN}  # "mos3.5" and "max80MB" are read, "on80MB" is not


def _join(text: str) -> str:
    """Hyphens, underscores and any run of spaces between words count as one space."""
    return " ".join(text.replace("-", " ").replace("_", " ").split()) if len(text) > 1 else text


_BY_SPELLING = {
    spelling: word for phrase, word in WORDS.items() for spelling in (_join(phrase), phrase.replace(" ", ""))
}
_LONGEST = max(map(len, _BY_SPELLING)) + 4  # room for doubled spaces


def match_word(folded: str, start: int) -> tuple[Word, int] | None:
    """The longest phrase that begins here and ends where a word ends, and its end."""
    if folded[start] in "-_":
        return None
    for end in range(min(len(folded), start + _LONGEST), start, -1):
        if folded[end - 1].isspace() or (end - start > 1 and folded[end - 1] in "-_"):
            continue
        word = _BY_SPELLING.get(_join(folded[start:end]))
        if word is not None and not _is_inside_word(folded, end, word.kind in _BEFORE_DIGITS):
            return word, end
    return None


def _is_inside_word(folded: str, at: int, may_touch_digits: bool) -> bool:
    """Whether a Latin word or key goes on across this place; Chinese words have no end of their own."""
    if at >= len(folded) or not (folded[at - 1].isascii() and folded[at - 1].isalnum()):
        return False
    following = folded[at:].removeprefix("'")[:1]
    return bool(re.match(r"[a-z_]" if may_touch_digits else r"[a-z0-9_]", following))
