"""Japanese text → phonemes with pitch marks, by Open JTalk (package pyopenjtalk-plus, extra ``ja``).

``[`` rises, ``]`` falls, and a border of accent phrases is ``#``, which the symbol table does not have:
upstream reads it as unknown, and so do the models that were trained with it.
"""

import re
from functools import cache
from itertools import pairwise
from types import ModuleType

from autocompress.errors import MissingExtraError
from autocompress.models.text.marks import MARKS, SILENT, loudest_marks
from autocompress.models.text.reading import Reading

_SPOKEN = (
    r"A-Za-z\d\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uff9d"
)
_TOKEN = re.compile(rf"[{_SPOKEN}]+|[^{_SPOKEN}]")
_PERCENT = {"%": "パーセント", "％": "パーセント"}
_DEVOICED = str.maketrans("AEIOU", "aeiou")


def read(text: str) -> Reading:
    """The phonemes and pitch marks of Japanese text; no alignment with characters."""
    for sign, word in _PERCENT.items():
        text = text.replace(sign, word)
    text = loudest_marks("".join(MARKS.get(char, char) for char in text)).lower()
    phonemes: list[str] = []
    unreadable: list[str] = []
    for token in _TOKEN.findall(text):
        if re.match(f"[{_SPOKEN}]", token):
            phonemes.extend(_read_phrase(token))
        elif token in MARKS.values():
            phonemes.append(token)
        elif not token.isspace() and token not in SILENT:
            unreadable.append(token)
    return Reading(text, tuple(phonemes), None, tuple(unreadable))


def _read_phrase(text: str) -> list[str]:
    """One stretch without marks. Open JTalk's full-context labels carry the accents (fields A and F)."""
    openjtalk = _openjtalk()
    labels = openjtalk.make_label(openjtalk.run_frontend(text))
    phonemes: list[str] = []
    for label, following in pairwise(labels[1:]):  # without the silence at both ends
        phoneme = re.search(r"-(.*?)\+", label)
        assert phoneme is not None, label
        spoken = "_" if phoneme[1] == "pau" else phoneme[1].translate(_DEVOICED)
        phonemes.append(spoken)
        if spoken != "_":
            phonemes.extend(_pitch_after(spoken, label, following))
    return phonemes


def _pitch_after(phoneme: str, label: str, following: str) -> list[str]:
    """The mark behind one phoneme; positions count moras within an accent phrase."""
    accent, forward, backward = (
        _field(field, label) for field in (r"/A:([0-9\-]+)\+", r"\+(\d+)\+", r"\+(\d+)/")
    )
    moras, next_forward = _field(r"/F:(\d+)_", label), _field(r"\+(\d+)\+", following)
    if backward == 1 and next_forward == 1 and phoneme in "aeiouNcl":
        return ["#"]
    if accent == 0 and next_forward == forward + 1 and forward != moras:
        return ["]"]
    return ["["] if forward == 1 and next_forward == 2 else []


def _field(pattern: str, label: str) -> int:
    found = re.search(pattern, label)
    return int(found[1]) if found else -50  # as in ESPnet's recipe: out of every range


@cache
def _openjtalk() -> ModuleType:
    try:
        import pyopenjtalk
    except ImportError:
        raise MissingExtraError("Speaking Japanese", "pyopenjtalk-plus", "ja") from None
    module: ModuleType = pyopenjtalk
    return module
