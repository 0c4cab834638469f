"""A quantity and a compared number to a limit: the direction, the unit and the value must make sense."""

from dataclasses import dataclass
from decimal import Decimal

from autocompress.request.clause import PACE_EXAMPLE, Bound
from autocompress.request.faults import LineError
from autocompress.request.lexicon import Kind
from autocompress.request.quantities import Quantity
from autocompress.request.text import FoldedLine
from autocompress.request.tokens import Token

_DIRECTION = {Kind.MAX: "max", Kind.FASTER: "max", Kind.MIN: "min", Kind.SLOWER: "min"}


@dataclass(frozen=True)
class Limit:
    """One limit in the quantity's own unit; ``spelled`` is the amount as the user wrote it."""

    field: str
    value: float
    spelled: str
    start: int
    end: int


def limit_of(line: FoldedLine, quantity: Quantity, bound: Bound) -> Limit:
    """The limit that the number sets; raises :class:`LineError` where it cannot be meant."""
    if bound.is_speed:
        return _speed(line, quantity, bound)
    if bound.compared and bound.compared.kind is not Kind.BETTER:
        _check_direction(line, quantity, bound, bound.compared)
    if bound.unit and bound.unit.dimension == "factor" and bound.number.is_finite() and bound.number > 1:
        raise _two_meanings(line, quantity, bound)  # "2x RTF"
    factor = Decimal(1) if bound.unit is None else bound.unit.factor
    return _checked(line, quantity, bound, float(bound.number * factor))


def _check_direction(line: FoldedLine, quantity: Quantity, bound: Bound, word: Token) -> None:
    if word.kind in {Kind.FASTER, Kind.SLOWER} and quantity.dimension != "time" and not bound.is_pace:
        hint = f"Write for example: {quantity.example}"
        raise line.refuse(f"{quantity.title} is not a time.", word.start, word.end, hint)
    if _DIRECTION[word.kind] != quantity.bound:
        text = line.spelled(bound.start, bound.end)
        hint = PACE_EXAMPLE if bound.is_pace else f"Did you mean '{quantity.words} {text}'?"
        raise line.refuse(_one_sided(quantity), word.start, word.end, hint)


def _one_sided(quantity: Quantity) -> str:
    side = "above" if quantity.bound == "max" else "below"
    return f"{quantity.title} can only be limited from {side}."


def _speed(line: FoldedLine, quantity: Quantity, bound: Bound) -> Limit:
    """Times real time: the real-time factor is its inverse."""
    kind = bound.compared.kind if bound.compared else None
    if kind is Kind.SLOWER:
        raise line.refuse(
            _one_sided(quantity), bound.start, bound.end, "Did you mean 'faster than real time'?"
        )
    if not bound.number.is_finite():
        return _checked(line, quantity, bound, float(bound.number))
    if bound.is_counted and (kind is Kind.MAX or bound.number < 1):
        raise _two_meanings(line, quantity, bound)
    return _checked(line, quantity, bound, float(1 / bound.number))


def _two_meanings(line: FoldedLine, quantity: Quantity, bound: Bound) -> LineError:
    hint = f"Write the real-time factor instead: {quantity.example}"
    return line.refuse("Is this a speed or a real-time factor?", bound.start, bound.end, hint)


def _checked(line: FoldedLine, quantity: Quantity, bound: Bound, value: float) -> Limit:
    fault = quantity.fault(value)
    spelled = line.spelled(bound.start, bound.end)
    if fault is not None:
        raise _absurd(line, quantity, bound, f"{quantity.title} {fault}.")
    return Limit(quantity.field, value, spelled, bound.start, bound.end)


def _absurd(line: FoldedLine, quantity: Quantity, bound: Bound, problem: str) -> LineError:
    is_percent = quantity.dimension == "share" and bound.unit is None and 1 < bound.number <= 100
    meant = f"Did you mean {line.spelled(bound.start, bound.end)}%?"
    hint = meant if is_percent else f"Write for example: {quantity.example}"
    return line.refuse(problem, bound.start, bound.end, hint)
