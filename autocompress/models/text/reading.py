"""What a language's reader returns."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """One stretch of text in one language, as it will be spoken.

    ``word2ph[i]`` is how many phonemes the i-th character of ``normalized`` has; None where upstream keeps
    no such alignment (English, Japanese, Korean). ``unreadable`` names the characters that have no phonemes.
    """

    normalized: str
    phonemes: tuple[str, ...]
    word2ph: tuple[int, ...] | None
    unreadable: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.word2ph is not None:
            assert len(self.word2ph) == len(self.normalized), (self.word2ph, self.normalized)
            assert sum(self.word2ph) == len(self.phonemes), (self.word2ph, self.phonemes)


Reader = Callable[[str], Reading]
