"""Words said twice, words left out, and semantic tokens that go round in a loop."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from autocompress.metrics.intelligibility import Transcript
from autocompress.metrics.text_normalization import normalized_words

_LONGEST_PHRASE = 30  # words: a whole sentence may be said again
_LONGEST_PERIOD = 25  # tokens: one second at 25 Hz
_LOOP_REPEATS = 4  # held vowels and pauses repeat a token or two; four periods are a loop
_LOOP_TOKENS = 25  # one second at 25 Hz, longer than the pauses inside a sentence


@dataclass(frozen=True, slots=True)
class Fluency:
    """Shares of the text's words that were repeated and that were skipped."""

    repetition_rate: float
    skip_rate: float


def fluency(transcript: Transcript) -> Fluency:
    """Repetition and skip rate of what was heard; repeats that the text itself asks for do not count."""
    asked, heard = normalized_words(transcript.text), normalized_words(transcript.heard)
    extra = max(0, repeated_items(heard) - repeated_items(asked))
    n_words = max(1, len(asked))
    return Fluency(repetition_rate=extra / n_words, skip_rate=transcript.words.deleted / n_words)


def repeated_items(items: Sequence[Hashable], longest: int = _LONGEST_PHRASE) -> int:
    """Items that only say again, at once, the phrase before them: ``a b a b c`` has two."""
    position = repeated = 0
    while position < len(items):
        length = next((n for n in range(longest, 0, -1) if _repeats_at(items, position, n)), 0)
        repeated += length
        position += length or 1
    return repeated


def loop_share(tokens: Sequence[int]) -> float:
    """Share of semantic tokens inside loops: four periods or more of one n-gram, a second or more."""
    looped = [False] * len(tokens)
    for period in range(1, _LONGEST_PERIOD + 1):
        _mark_loops(tokens, period, looped)
    return sum(looped) / max(1, len(tokens))


def _repeats_at(items: Sequence[Hashable], position: int, length: int) -> bool:
    """Whether the ``length`` items from ``position`` equal the ``length`` items before them."""
    if length > position or position + length > len(items):
        return False
    return all(items[position + n] == items[position + n - length] for n in range(length))


def _mark_loops(tokens: Sequence[int], period: int, looped: list[bool]) -> None:
    start = 0
    for end in range(period, len(tokens) + 1):
        if end < len(tokens) and tokens[end] == tokens[end - period]:
            continue
        if end - start >= max(_LOOP_REPEATS * period, _LOOP_TOKENS):
            looped[start:end] = [True] * (end - start)
        start = end - period + 1
