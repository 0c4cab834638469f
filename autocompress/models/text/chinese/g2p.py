"""Mandarin text → initials and finals with tones, aligned with its characters."""

import re

from autocompress.models.text.chinese import joining, pinyin, sandhi, words
from autocompress.models.text.chinese.normalize import is_han, is_mark, normalize
from autocompress.models.text.chinese.words import Word
from autocompress.models.text.reading import Reading

_CLAUSE = re.compile(r"[^!?…,.\-]+|[!?…,.\-]")


def read(text: str) -> Reading:
    """The phonemes of Chinese text: two a character, one a mark."""
    characters: list[str] = []
    phonemes: list[str] = []
    word2ph: list[int] = []
    unreadable: list[str] = []
    for clause in _CLAUSE.findall(normalize(text)):
        for char, symbols in _read_clause(clause):
            if symbols:
                characters.append(char)
                phonemes.extend(symbols)
                word2ph.append(len(symbols))
            elif not char.isspace():
                unreadable.append(char)
    return Reading("".join(characters), tuple(phonemes), tuple(word2ph), tuple(unreadable))


def _read_clause(clause: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each character with its phonemes; none for a character that cannot be read."""
    if is_mark(clause):
        return [(clause, (clause,))]
    readable = "".join(filter(is_han, clause))
    readings = iter(_read_han(readable))
    return [(char, next(readings) if is_han(char) else ()) for char in clause]


def _read_han(text: str) -> list[tuple[str, ...]]:
    if not text:
        return []
    joined = joining.join_words(words.cut(text), _tones)
    symbols: list[tuple[str, ...]] = []
    for word, syllables in zip(joined, pinyin.read_words(joined), strict=True):
        tones = sandhi.change_tones(word, [syllable.tone if syllable else 0 for syllable in syllables])
        for syllable, tone in zip(syllables, tones, strict=True):
            known = syllable and pinyin.to_symbols(pinyin.Syllable(syllable.pinyin, tone))
            symbols.append(known or ())
    return symbols


def _tones(segments: list[Word]) -> list[list[int]]:
    return [[s.tone if s else 0 for s in syllables] for syllables in pinyin.read_words(segments)]
