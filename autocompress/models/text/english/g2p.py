"""Spoken English → ARPAbet, in the order that upstream's ``text/english.py`` asks its sources."""

import re

from autocompress.models.text.english import homographs, letter_to_sound, lexicon
from autocompress.models.text.english.normalize import normalize
from autocompress.models.text.reading import Reading
from autocompress.models.text.symbols import PUNCTUATION

_TOKEN = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*|\S")
_PARTS = re.compile(r"[A-Z]+(?![a-z])(?:'[A-Z]+)*|[A-Z]?[a-z]+(?:'[A-Za-z]+)*|[A-Z]")
_INFLECTED = re.compile(r"(.+)'[sS]|([A-Z]{2,})s")
_VOICELESS = ("P", "T", "K", "F", "TH", "HH")
_SIBILANT = ("S", "Z", "SH", "ZH", "CH", "JH")
LONGEST_SPELLED = 3  # letters; an unknown word this short is read letter by letter, as upstream does
SHORTEST_READING = 4  # phonemes
SHORTEST_PART = 3  # letters in a part of a compound


def read(text: str) -> Reading:
    """English text → ARPAbet; words leave no mark between them, and there is no alignment with characters."""
    text = normalize(text)
    phonemes: list[str] = []
    unreadable: list[str] = []
    shouting = _is_shouting(text)
    tokens = _TOKEN.findall(text)
    for token, before, after in zip(tokens, ["", *tokens], [*tokens[1:], ""], strict=False):
        if token[0].isascii() and token[0].isalpha():
            homograph = homographs.pronounce(token.lower(), before.lower(), after.lower())
            phonemes.extend(homograph or read_token(token, shouting))
        elif token in PUNCTUATION:
            phonemes.append(token)
        else:
            unreadable.append(token)
    return Reading(text, _lengthen(phonemes), None, tuple(unreadable))


def _lengthen(phonemes: list[str]) -> tuple[str, ...]:
    """Upstream puts a comma before fewer than four phonemes, which the model would swallow."""
    return (",", *phonemes) if 0 < len(phonemes) < SHORTEST_READING else tuple(phonemes)


def read_token(token: str, shouting: bool = False) -> tuple[str, ...]:
    """One written word. "A" is the letter; acronyms are spelled; "OpenAI" falls apart at its capitals."""
    if len(token) == 1:
        return _letter(token) if token != "a" else ("AH0",)
    if token.lower() in lexicon.CORRECTIONS:
        return tuple(lexicon.CORRECTIONS[token.lower()].split())
    inflected = _INFLECTED.fullmatch(token)
    if inflected and not lexicon.is_known(token.lower()):
        stem = read_token(inflected[1] or inflected[2], shouting)
        return (*stem, *_s_after(stem[-1]))
    return tuple(phoneme for part in _split_at_capitals(token) for phoneme in _read_part(part, shouting))


def read_word(word: str) -> tuple[str, ...]:
    """A lower-case word: the dictionary, then its parts, and last the letter-to-sound network."""
    known = lexicon.pronounce(word)
    if known:
        return known
    stem, apostrophe, ending = word.rpartition("'")
    if apostrophe:
        return _possessive(stem) if ending == "s" else (*read_word(stem), *read_word(ending))
    if len(word) <= LONGEST_SPELLED or not re.search("[aeiouy]", word):
        return _spell(word)
    parts = _split_compound(word)
    if parts:
        return tuple(phoneme for part in parts for phoneme in read_word(part))
    return letter_to_sound.guess(word)


def _read_part(part: str, shouting: bool) -> tuple[str, ...]:
    word = part.lower()
    if part.isupper() and len(part) > 1 and not shouting and _is_spelled(word):
        return _spell(word)
    if part.isupper() and len(part) == 1:
        return _letter(part)
    return read_word(word)


def _is_spelled(acronym: str) -> bool:
    """ "USA" and "HTML" are spelled; "NASA" and "VERY" are words because the dictionary has them."""
    return len(acronym) <= LONGEST_SPELLED or not lexicon.is_known(acronym)


def _is_shouting(text: str) -> bool:
    """Whether a whole sentence is in capitals, so that they do not mean acronyms."""
    words = re.findall(r"[A-Za-z]{2,}", text)
    return len(words) >= 3 and all(word.isupper() for word in words)


def _split_at_capitals(token: str) -> list[str]:
    """ "ChatGPT" → Chat, GPT; "iPhone" → i, Phone; "McDonald's" → Mc, Donald's."""
    return _PARTS.findall(token)


def _possessive(stem: str) -> tuple[str, ...]:
    phonemes = read_word(stem)
    return (*phonemes, *_s_after(phonemes[-1]))


def _s_after(phoneme: str) -> tuple[str, ...]:
    if phoneme in _VOICELESS:
        return ("S",)
    return ("AH0", "Z") if phoneme in _SIBILANT else ("Z",)


def _spell(word: str) -> tuple[str, ...]:
    return tuple(phoneme for letter in word if letter.isalpha() for phoneme in _letter(letter))


def _letter(letter: str) -> tuple[str, ...]:
    return ("EY1",) if letter in "aA" else lexicon.pronounce(letter.lower()) or ()


def _split_compound(word: str) -> tuple[str, str] | None:
    """Two dictionary words that make up ``word``, the most even split first; None if there are none."""
    cuts = range(SHORTEST_PART, len(word) - SHORTEST_PART + 1)
    for cut in sorted(cuts, key=lambda cut: abs(2 * cut - len(word))):
        if lexicon.is_known(word[:cut]) and lexicon.is_known(word[cut:]):
            return word[:cut], word[cut:]
    return None
