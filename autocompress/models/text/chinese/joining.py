"""Joining jieba's words where tone sandhi reaches across them (upstream's ``pre_merge_for_modify``)."""

from collections.abc import Callable

from autocompress.models.text.chinese.words import Word

Tones = list[list[int]]
LONGEST_JOINED = 3  # characters; third tones do not reach further


def join_words(words: list[Word], tones_of: Callable[[list[Word]], Tones]) -> list[Word]:
    """``words`` with 不, 一, 儿, repeated words and neighbouring third tones joined to what they act on."""
    words = _join_repeated(_join_yi(_join_bu(words)))
    words = _join_third_tones(words, tones_of(words), _all_third)
    words = _join_third_tones(words, tones_of(words), _third_meets_third)
    return _join_er(words)


def _extend(words: list[Word], text: str) -> None:
    words[-1] = Word(words[-1].text + text, words[-1].part)


def _join_bu(words: list[Word]) -> list[Word]:
    """不 | 去 → 不去."""
    joined: list[Word] = []
    for word in words:
        if joined and joined[-1].text == "不":
            joined[-1] = Word("不" + word.text, word.part)
        else:
            joined.append(word)
    return joined


def _join_yi(words: list[Word]) -> list[Word]:
    """听 | 一 | 听 → 听一听, and 一 | 天 → 一天."""
    joined: list[Word] = []
    skip = False
    for i, word in enumerate(words):
        before, after = words[i - 1] if i else None, words[i + 1] if i + 1 < len(words) else None
        if skip:
            skip = False
        elif word.text == "一" and before and after and before.text == after.text and before.part == "v":
            _extend(joined, "一" + before.text)
            skip = True
        elif joined and joined[-1].text == "一":
            _extend(joined, word.text)
        else:
            joined.append(word)
    return joined


def _join_repeated(words: list[Word]) -> list[Word]:
    """看看 | 看看 → one word."""
    joined: list[Word] = []
    for word in words:
        if joined and joined[-1].text == word.text:
            _extend(joined, word.text)
        else:
            joined.append(word)
    return joined


def _all_third(first: list[int], second: list[int]) -> bool:
    return all(tone == 3 for tone in [*first, *second])


def _third_meets_third(first: list[int], second: list[int]) -> bool:
    return first[-1] == 3 and second[0] == 3


def _join_third_tones(
    words: list[Word], tones: Tones, meet: Callable[[list[int], list[int]], bool]
) -> list[Word]:
    """Join short neighbours whose third tones ``meet``; a doubled word keeps its own neutral tone."""
    joined = words[:1]
    just_joined = False
    for i in range(1, len(words)):
        before, word = words[i - 1].text, words[i].text
        is_doubled = len(before) == 2 and before[0] == before[1]
        just_joined = (
            not just_joined
            and not is_doubled
            and len(before) + len(word) <= LONGEST_JOINED
            and meet(tones[i - 1], tones[i])
        )
        if just_joined:
            _extend(joined, word)
        else:
            joined.append(words[i])
    return joined


def _join_er(words: list[Word]) -> list[Word]:
    """花 | 儿 → 花儿."""
    joined: list[Word] = []
    for word in words:
        if joined and word.text == "儿":
            _extend(joined, word.text)
        else:
            joined.append(word)
    return joined
