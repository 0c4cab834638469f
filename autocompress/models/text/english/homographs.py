"""English words with two readings, told apart by the words beside them.

Upstream asks a part-of-speech tagger whose data must be downloaded; the neighbours decide most cases too.
The readings are g2p-en's table (Apache-2.0), see ``data/README.md``.
"""

from functools import cache
from pathlib import Path

_TABLE = Path(__file__).parents[1] / "data" / "english_homographs.txt"
_words = str.split

_BEFORE_VERB = frozenset(
    _words(
        "to will would can could should shall must may might do does did not don't doesn't didn't "
        "can't won't couldn't wouldn't shouldn't let's please i you we they who and i'll you'll "
        "we'll they'll he'll she'll i'd you'd we'd they'd always never often also just people he "
        "she it"
    )
)
_BEFORE_NOUN = frozenset(
    _words(
        "the a an my your his her its our their this that these those no some any each every of "
        "in on for with from by at is was are be been new first last next good great full high "
        "same very too so"
    )
)
_AFTER_VERB = frozenset(
    _words("the a an it them him me us my your his her our their this that these those all each in to")
)
_PERFECT = frozenset(
    _words("have has had having was were been be is are get gets got well i've you've we've they've")
)


def pronounce(word: str, before: str, after: str) -> tuple[str, ...] | None:
    """The reading of a lower-case homograph between its neighbours; None for any other word."""
    if word == "read":
        return ("R", "EH1", "D") if before in _PERFECT else ("R", "IY1", "D")
    if word == "lead":
        return ("L", "IY1", "D")
    if word == "used":
        return ("Y", "UW1", "S", "T") if after == "to" else ("Y", "UW1", "Z", "D")
    readings = _readings().get(word)
    if readings is None:
        return None
    as_verb, otherwise = readings
    return as_verb if _is_verb(before, after) else otherwise


def _is_verb(before: str, after: str) -> bool:
    if before in _BEFORE_NOUN:
        return False
    return before in _BEFORE_VERB or after in _AFTER_VERB


@cache
def _readings() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    rows = (line.split("|") for line in _TABLE.read_text(encoding="utf-8").splitlines())
    return {word: (tuple(verb.split()), tuple(other.split())) for word, verb, other in rows}
