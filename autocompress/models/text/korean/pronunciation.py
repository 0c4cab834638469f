"""How written Korean sounds: the rules of Standard Pronunciation where two syllables meet.

Numbers in brackets are articles of its part 2. g2pK, which upstream asks, applies the same.
"""

from dataclasses import replace

from autocompress.models.text.korean.jamo import Syllable

_TENSE = dict(zip("ㄱㄷㅂㅅㅈ", "ㄲㄸㅃㅆㅉ", strict=True))
_ASPIRATED = dict(zip("ㄱㄷㅂㅈ", "ㅋㅌㅍㅊ", strict=True))
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
# What is heard of a final before a consonant or at the end (8 to 11).
_HEARD = {
    **dict.fromkeys("ㄲㅋㄳㄺ", "ㄱ"),
    **dict.fromkeys("ㅅㅆㅈㅊㅌㅎ", "ㄷ"),
    **dict.fromkeys("ㅍㅄㄿ", "ㅂ"),
    **dict.fromkeys("ㄵㄶ", "ㄴ"),
    **dict.fromkeys("ㄼㄽㄾㅀ", "ㄹ"),
    "ㄻ": "ㅁ",
}
# Clusters before a vowel: what stays and what moves over (14).
_CLUSTERS = {
    "ㄳ": "ㄱㅆ",
    "ㄵ": "ㄴㅈ",
    "ㄺ": "ㄹㄱ",
    "ㄻ": "ㄹㅁ",
    "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅆ",
    "ㄾ": "ㄹㅌ",
    "ㄿ": "ㄹㅍ",
    "ㅄ": "ㅂㅆ",
}
_BREATHED = {"ㅎ": "", "ㄶ": "ㄴ", "ㅀ": "ㄹ"}  # finals that end in ㅎ, and what is left of them
_BEFORE_H = {"ㄱ": "ㅋ", "ㄺ": "ㅋ", "ㄷ": "ㅌ", "ㅅ": "ㅌ", "ㅂ": "ㅍ", "ㄼ": "ㅍ", "ㅈ": "ㅊ", "ㄵ": "ㅊ"}


def pronounce(syllables: list[Syllable], hardens: set[int]) -> list[Syllable]:
    """The syllables as heard; a plain consonant grows tense after those in ``hardens`` (24 to 27)."""
    heard = [_simplify_vowel(syllable) for syllable in syllables]
    for i in range(len(heard) - 1):
        if i in hardens:
            heard[i + 1] = replace(
                heard[i + 1], initial=_TENSE.get(heard[i + 1].initial, heard[i + 1].initial)
            )
        final, initial = _meet(heard[i].final, heard[i + 1])
        heard[i] = replace(heard[i], final=final)
        heard[i + 1] = replace(heard[i + 1], initial=initial)
    if heard:
        heard[-1] = replace(heard[-1], final=_HEARD.get(heard[-1].final, heard[-1].final))
    return heard


def _simplify_vowel(syllable: Syllable) -> Syllable:
    """져 sounds 저, and 희 sounds 히 (5)."""
    if syllable.initial in "ㅈㅉㅊ" and syllable.vowel == "ㅕ":
        return replace(syllable, vowel="ㅓ")
    if syllable.initial != "ㅇ" and syllable.vowel == "ㅢ":
        return replace(syllable, vowel="ㅣ")
    return syllable


def _meet(final: str, following: Syllable) -> tuple[str, str]:
    """The final of one syllable and the initial of the next, as heard."""
    initial = following.initial
    if not final or (final in "ㅇ" and initial in "ㅇㅎ"):
        return final, initial
    if initial == "ㅇ":
        return _before_vowel(final, following.vowel)
    if initial == "ㅎ" and final in _BEFORE_H:
        return _before_h(final, following.vowel)
    if final in _BREATHED:
        return _after_breath(_BREATHED[final], initial)
    return _between_consonants(_HEARD.get(final, final), initial)


def _before_vowel(final: str, vowel: str) -> tuple[str, str]:
    """Finals move over (13, 14), ㅎ is lost (12.4), and ㄷ, ㅌ grow soft before 이 (17)."""
    if final in _BREATHED:
        rest = _BREATHED[final]
        return ("", rest) if rest else ("", "ㅇ")
    stays, moves = ("", final) if final not in _CLUSTERS else tuple(_CLUSTERS[final])
    if vowel == "ㅣ":
        moves = {"ㄷ": "ㅈ", "ㅌ": "ㅊ"}.get(moves, moves)
    return stays, moves


def _before_h(final: str, vowel: str) -> tuple[str, str]:
    """ㄱ, ㄷ, ㅂ, ㅈ melt with ㅎ (12.1); 굳히다 sounds 구치다 (17)."""
    rest = {"ㄺ": "ㄹ", "ㄼ": "ㄹ", "ㄵ": "ㄴ"}.get(final, "")
    melted = _BEFORE_H[final]
    return rest, "ㅊ" if final == "ㄷ" and vowel == "ㅣ" else melted


def _after_breath(rest: str, initial: str) -> tuple[str, str]:
    """좋다 sounds 조타, 닿소 다쏘, 놓는 논는 (12)."""
    if initial in _ASPIRATED:
        return rest, _ASPIRATED[initial]
    if initial == "ㅅ":
        return rest, "ㅆ"
    if initial == "ㄴ":
        return (rest, "ㄹ") if rest == "ㄹ" else ("ㄴ", "ㄴ")
    return _between_consonants(rest or "ㄷ", initial)


def _between_consonants(final: str, initial: str) -> tuple[str, str]:
    """Stops make the next consonant tense (23), nasals and ㄹ make them alike (18 to 20)."""
    if final in _NASAL:
        if initial in "ㄴㅁ":
            return _NASAL[final], initial
        if initial == "ㄹ":
            return _NASAL[final], "ㄴ"
        return final, _TENSE.get(initial, initial)
    if (final, initial) in (("ㄴ", "ㄹ"), ("ㄹ", "ㄴ")):
        return "ㄹ", "ㄹ"
    if final in "ㅁㅇ" and initial == "ㄹ":
        return final, "ㄴ"
    return final, initial
