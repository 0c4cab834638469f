"""Word segmentation with parts of speech (jieba), loaded on first use and silent."""

import logging
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Word:
    """A word and jieba's tag of its part of speech (``n`` noun, ``v`` verb, ``r`` pronoun …)."""

    text: str
    part: str


def cut(text: str) -> list[Word]:
    """The words of ``text`` in order."""
    return [Word(pair.word, pair.flag) for pair in _tagger().lcut(text)]


def first_subword(word: str) -> str:
    """The shortest word inside ``word``, the earliest of them if there are several."""
    inner: str = min(_tokenizer().cut_for_search(word), key=len)
    return inner


@cache
def _tokenizer() -> Any:
    """jieba with the dictionary that it ships.

    Its own loaders read that file twice and leave a cache in the shared temporary folder; one pass that
    shares the strings takes half the time and memory.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old escapes, pkg_resources
        import jieba
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    with tokenizer.get_dict_file() as lines:
        frequencies, parts = _read_dictionary(lines)
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = frequencies, sum(frequencies.values()), True
    tokenizer.parts = parts
    return tokenizer


@cache
def _tagger() -> Any:
    tokenizer = _tokenizer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from jieba.posseg import POSTokenizer
    tagger = POSTokenizer.__new__(POSTokenizer)  # its constructor would read the dictionary again
    tagger.tokenizer, tagger.word_tag_tab = tokenizer, tokenizer.parts
    return tagger


def _read_dictionary(lines: Iterable[bytes]) -> tuple[dict[str, int], dict[str, str]]:
    """Frequency of each word, 0 for a mere beginning of one, and the part of speech of each word."""
    frequencies: dict[str, int] = {}
    parts: dict[str, str] = {}
    for line in lines:
        word, frequency, part = line.decode("utf-8").split()
        frequencies[word] = int(frequency)
        parts[word] = sys.intern(part)
        for length in range(1, len(word)):
            frequencies.setdefault(word[:length], 0)
    return frequencies, parts
