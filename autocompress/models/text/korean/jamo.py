"""Hangul syllables taken apart and put together (Unicode chapter 3.12)."""

from dataclasses import dataclass

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]
_FIRST = 0xAC00

# The symbol table has simple vowels only (upstream's ``text/korean.py``).
SIMPLE_VOWELS = {
    "ㅘ": "ㅗㅏ",
    "ㅙ": "ㅗㅐ",
    "ㅚ": "ㅗㅣ",
    "ㅝ": "ㅜㅓ",
    "ㅞ": "ㅜㅔ",
    "ㅟ": "ㅜㅣ",
    "ㅢ": "ㅡㅣ",
    "ㅑ": "ㅣㅏ",
    "ㅒ": "ㅣㅐ",
    "ㅕ": "ㅣㅓ",
    "ㅖ": "ㅣㅔ",
    "ㅛ": "ㅣㅗ",
    "ㅠ": "ㅣㅜ",
}


@dataclass(frozen=True)
class Syllable:
    """One block: ``initial`` is ㅇ where silent, ``final`` empty where open."""

    initial: str
    vowel: str
    final: str


def is_syllable(char: str) -> bool:
    """Whether ``char`` is a hangul block."""
    return "가" <= char <= "힣"


def split_syllable(char: str) -> Syllable:
    """가 → ㄱ, ㅏ, nothing."""
    index = ord(char) - _FIRST
    return Syllable(INITIALS[index // 588], VOWELS[index % 588 // 28], FINALS[index % 28])


def join_syllable(syllable: Syllable) -> str:
    """The block of a syllable."""
    initial, vowel = INITIALS.index(syllable.initial), VOWELS.index(syllable.vowel)
    return chr(_FIRST + 588 * initial + 28 * vowel + FINALS.index(syllable.final))
