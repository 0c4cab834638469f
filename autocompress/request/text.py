"""One spelling for width and case, with the way back to the user's own characters."""

import unicodedata
from dataclasses import dataclass

from autocompress.request.faults import LineError, printable

# Traditional forms of the characters that the lexicon spells in simplified Chinese, and look-alike signs.
_SAME = str.maketrans(
    "於驍龍請為個設備體記憶遲內時間過縮壓樹機這臺台聲語們給幫運實率識別類數達應須須該與並後執製創導號檔對錯誤’‘−–—＋",
    "于骁龙请为个设备体记忆迟内时间过缩压树机这台台声语们给帮运实率识别类数达应须须该与并后执制创导号档对错误''---+",
)


@dataclass(frozen=True)
class FoldedLine:
    """``folded`` is what is read (NFKC, case folded); its character i stands at ``origin[i]`` of ``raw``."""

    raw: str
    folded: str
    origin: tuple[int, ...]  # one more than characters: the end maps to the end

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the user's own line."""
        if start >= end:
            return self.origin[start], self.origin[start]
        return self.origin[start], self.origin[end - 1] + 1

    def spelled(self, start: int, end: int) -> str:
        """The user's own characters at ``folded[start:end]``, single-spaced."""
        first, last = self.raw_span(start, end)
        return " ".join(printable(self.raw[first:last]).split())

    def skip_spaces(self, at: int) -> int:
        """The first place from here that is not a space."""
        while at < len(self.folded) and self.folded[at].isspace():
            at += 1
        return at

    def refuse(self, problem: str, start: int, end: int, hint: str) -> LineError:
        """The error that marks ``folded[start:end]`` in the user's own line."""
        return LineError(problem, self.raw, *self.raw_span(start, end), hint)


def fold(raw: str) -> FoldedLine:
    """Fold every character on its own, so that each stays traceable."""
    pieces = [unicodedata.normalize("NFKC", character).casefold().translate(_SAME) for character in raw]
    origin = [i for i, piece in enumerate(pieces) for _ in piece]
    return FoldedLine(raw, "".join(pieces), (*origin, len(raw)))
