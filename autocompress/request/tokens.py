"""The pieces that a line is made of."""

from dataclasses import dataclass
from decimal import Decimal

from autocompress.request.lexicon import Kind, Word
from autocompress.request.units import Unit


@dataclass(frozen=True)
class Token:
    """``folded[start:end]`` and what it is; one of the last four fields is filled, as ``kind`` says."""

    kind: Kind
    start: int
    end: int
    word: Word | None = None
    number: Decimal | None = None
    unit: Unit | None = None
    device: str = ""
