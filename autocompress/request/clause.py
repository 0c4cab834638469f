"""One clause, the tokens between two separators, as a row of quantity words and compared numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from autocompress.request.faults import LineError
from autocompress.request.lexicon import Kind
from autocompress.request.quantities import QUANTITIES, Quantity
from autocompress.request.text import FoldedLine
from autocompress.request.tokens import Token
from autocompress.request.units import UNITS, Unit

PACE_EXAMPLE = "Write for example: 10 s of audio in 1 s"
COMPARISONS = frozenset({Kind.MAX, Kind.MIN, Kind.BETTER, Kind.FASTER, Kind.SLOWER})


@dataclass(frozen=True)
class Mention:
    """A quantity word; ``is_key`` when it is the field's own name, whose unit is known."""

    quantity: Quantity
    start: int
    end: int
    is_key: bool


@dataclass(frozen=True)
class Bound:
    """A number with what compares it.

    ``is_speed`` counts in multiples of real time; ``is_pace`` is time for each second of speech, and
    ``is_length`` so much speech, of which a time makes a pace.
    """

    number: Decimal
    unit: Unit | None
    compared: Token | None
    start: int
    end: int
    is_speed: bool = False
    is_counted: bool = True  # False: "faster than real time", without a number
    is_pace: bool = False
    is_length: bool = False

    @property
    def is_of_real_time(self) -> bool:
        """Whether only the real-time factor can be meant."""
        return self.is_speed or self.is_pace


Item = Mention | Bound


class Clause:
    """The tokens between two separators, read into mentions and bounds."""

    def __init__(self, line: FoldedLine, tokens: Sequence[Token]) -> None:
        self.line, self.tokens = line, tokens
        self.position = 0
        self.pending: Token | None = None
        self.found: list[Item] = []

    def items(self) -> list[Item]:
        while token := self._peek():
            if token.kind is Kind.QUANTITY:
                self._mention(token)
            elif token.kind in COMPARISONS:
                self._compare(token)
            elif token.kind is Kind.SPOKEN:
                self._spoken(token)
            else:
                self._bound(token)
        if self.pending:
            hint = "Write a number with its unit after it, such as 80 MB or 1 s."
            raise self.line.refuse("No number follows.", self.pending.start, self.pending.end, hint)
        return self._with_paces()

    def _peek(self, ahead: int = 0) -> Token | None:
        at = self.position + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    def _peek_kind(self, ahead: int = 0) -> Kind | None:
        token = self._peek(ahead)
        return token.kind if token else None

    def _mention(self, token: Token) -> None:
        self.position += 1
        assert token.word is not None
        quantity = QUANTITIES[token.word.value]
        is_key = self.line.folded[token.start : token.end].removeprefix("max_") == quantity.field
        mention = Mention(quantity, token.start, token.end, is_key)
        last = self.found[-1] if self.found else None
        if isinstance(last, Mention) and (merged := _merge(last, mention)):
            self.found[-1] = merged
        else:
            self.found.append(mention)

    def _compare(self, token: Token) -> None:
        """A comparison goes with the number after it, or closes the number before it ("80 MB max")."""
        self.position += 1
        assert token.word is not None
        leads = self._peek_kind() in {Kind.NUMBER, Kind.QUANTITY, Kind.REAL_TIME, *COMPARISONS}
        if token.word.after and not (token.word.before and leads):
            self._close(token)
        elif self.pending and self.pending.kind is not token.kind:
            raise self._contradiction(token)
        else:
            self.pending = token

    def _close(self, token: Token) -> None:
        at = next((i for i in reversed(range(len(self.found))) if isinstance(self.found[i], Bound)), None)
        bound = self.found[at] if at is not None else None
        if at is None or not isinstance(bound, Bound) or self.pending or not self._is_beside(token):
            hint = "Write it with a number, such as 'at most 80 MB'."
            raise self.line.refuse("No number goes with this.", token.start, token.end, hint)
        if bound.compared and bound.compared.kind is not token.kind:
            raise self._contradiction(token)
        self.found[at] = replace(bound, compared=token)

    def _is_beside(self, token: Token) -> bool:
        """ "or less" closes the words just before it; "max" may stand farther away."""
        may_lead = token.word is not None and token.word.before
        return may_lead or not self.line.folded[self.found[-1].end : token.start].strip()

    def _contradiction(self, token: Token) -> LineError:
        hint = "Keep one of the two comparisons, and put a comma between two limits."
        return self.line.refuse("Two comparisons meet here.", token.start, token.end, hint)

    def _bound(self, token: Token) -> None:
        compared, self.pending = self.pending, None
        start = end = token.start
        number, unit, counted = Decimal(1), None, False
        if token.kind is Kind.NUMBER and token.number is not None:
            number, counted, end = token.number, True, token.end
            self.position += 1
            number, unit, end = self._unit(number, end)
        speed = self._real_time(unit)
        if speed:
            end = speed.end
            compared = compared or (None if not counted else self._last_comparison())
            unit = UNITS["x"]
        self.found.append(Bound(number, unit, compared, start, end, speed is not None, counted))

    def _spoken(self, token: Token) -> None:
        """ "of audio" makes a length of the time before it; elsewhere ("an audio model") it says nothing."""
        self.position += 1
        last = self.found[-1] if self.found else None
        if isinstance(last, Bound) and _is_time(last):
            self.found[-1] = replace(last, end=token.end, is_length=True)

    def _with_paces(self) -> list[Item]:
        """A length and the time beside it ("10 s of audio in 1 s") as one bound on the real-time factor."""
        items: list[Item] = []
        for item in self.found:
            last = items[-1] if items else None
            pace = _pace(last, item) if isinstance(last, Bound) and isinstance(item, Bound) else None
            items[-1:] = [pace] if pace else [*items[-1:], item]
        for item in items:
            if isinstance(item, Bound) and item.is_length:
                problem = "This much speech has no time of its own."
                raise self.line.refuse(problem, item.start, item.end, PACE_EXAMPLE)
        return items

    def _unit(self, number: Decimal, end: int) -> tuple[Decimal, Unit | None, int]:
        token = self._peek()
        if token is None or token.kind is not Kind.UNIT:
            return number, None, end
        self.position += 1
        half = self._peek()
        folded = self.line.folded
        if (
            half
            and half.kind is Kind.NUMBER
            and half.start == token.end
            and folded[half.start : half.end] == "半"
        ):
            self.position += 1  # 一秒半
            return number + Decimal("0.5"), token.unit, half.end
        return number, token.unit, token.end

    def _real_time(self, unit: Unit | None) -> Token | None:
        """Consume "[faster than] real time" after a bare or x number."""
        if unit is not None and unit.dimension != "factor":
            return None
        ahead = 1 if self._peek_kind() in {Kind.FASTER, Kind.SLOWER} else 0
        token = self._peek(ahead)
        if token is None or token.kind is not Kind.REAL_TIME:
            return None
        self.position += ahead + 1
        return token

    def _last_comparison(self) -> Token | None:
        near = self.tokens[self.position - 2]
        return near if near.kind in COMPARISONS else None


def _merge(last: Mention, new: Mention) -> Mention | None:
    """ "RTF (real-time factor)" is one mention, and "latency to first audio" is first audio."""
    fields = {last.quantity.field, new.quantity.field}
    if fields == {"latency_s", "first_audio_s"} or len(fields) == 1:
        quantity = QUANTITIES["first_audio_s"] if len(fields) == 2 else new.quantity
        return Mention(quantity, last.start, new.end, last.is_key or new.is_key)
    return None


def _is_time(bound: Bound) -> bool:
    return bound.unit is not None and bound.unit.dimension == "time"


def _pace(first: Bound, second: Bound) -> Bound | None:
    """Time over length, where one of two neighbours is each; None where they are anything else."""
    if first.is_length == second.is_length or not (_is_time(first) and _is_time(second)):
        return None
    length, time = (first, second) if first.is_length else (second, first)
    assert length.unit and time.unit
    spoken = length.number * length.unit.factor
    number = time.number * time.unit.factor / spoken if spoken else Decimal("Infinity")
    return Bound(number, None, time.compared or length.compared, first.start, second.end, is_pace=True)
