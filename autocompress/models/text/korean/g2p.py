"""Korean text → jamo as they are heard (extra ``ko`` for the parts of speech that some rules need)."""

import re
from functools import cache
from typing import Any

from autocompress.errors import MissingExtraError
from autocompress.models.text.korean import jamo
from autocompress.models.text.korean.numbers import speak_numbers
from autocompress.models.text.korean.pronunciation import pronounce
from autocompress.models.text.marks import MARKS, SILENT, loudest_marks
from autocompress.models.text.reading import Reading

WORD_BREAK = "空"  # the table's symbol for a space
_PHRASE = re.compile(r"[가-힣]+(?: [가-힣]+)*|[^가-힣]")
_HARD_STEM_FINALS = "ㄴㄵㅁㄻㄼㄾ"  # a verb stem that ends so hardens its ending (24, 25)


def read(text: str) -> Reading:
    """The jamo of Korean text; no alignment with characters."""
    text = speak_numbers(text)
    text = loudest_marks("".join(MARKS.get(char, char) for char in text))
    phonemes: list[str] = []
    unreadable: list[str] = []
    for token in _PHRASE.findall(text):
        if jamo.is_syllable(token[0]):
            phonemes.extend(_read_phrase(token))
        elif token in MARKS.values():
            phonemes.append(token)
        elif token.isspace():
            phonemes.append(WORD_BREAK)
        elif token in jamo.SIMPLE_VOWELS or token in jamo.INITIALS + jamo.VOWELS:
            phonemes.extend(jamo.SIMPLE_VOWELS.get(token, token))
        elif token not in SILENT:
            unreadable.append(token)
    return Reading(text, tuple(phonemes), None, tuple(unreadable))


def _read_phrase(phrase: str) -> list[str]:
    """Words that are spoken in one breath: sounds change across their spaces too."""
    letters = phrase.replace(" ", "")
    heard = iter(pronounce([jamo.split_syllable(char) for char in letters], _hardening(phrase)))
    phonemes: list[str] = []
    for char in phrase:
        if char == " ":
            phonemes.append(WORD_BREAK)
            continue
        syllable = next(heard)
        parts = syllable.initial + jamo.SIMPLE_VOWELS.get(syllable.vowel, syllable.vowel) + syllable.final
        phonemes.extend(parts)
    return phonemes


def _hardening(phrase: str) -> set[int]:
    """Which syllables harden the next: stems in ㄴ, ㅁ and clusters, and the ending -(으)ㄹ (27)."""
    hard: set[int] = set()
    position = 0
    for surface, tag in _tagger().pos(phrase):
        position += len(surface)
        last = jamo.split_syllable(surface[-1]).final if jamo.is_syllable(surface[-1]) else ""
        stem = tag in ("VV", "VA") and last and last in _HARD_STEM_FINALS
        if stem or (tag.endswith("ETM") and last == "ㄹ"):
            hard.add(position - 1)
    return hard


@cache
def _tagger() -> Any:
    try:
        from mecab import MeCab
    except ImportError:
        raise MissingExtraError("Speaking Korean", "python-mecab-ko", "ko") from None
    return MeCab()
