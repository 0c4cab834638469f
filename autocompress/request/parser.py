"""Tokens to limits. A clause is a row of numbers and of quantity words; each word belongs to a neighbour."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from autocompress.request.clause import Bound, Clause, Item, Mention
from autocompress.request.devices import DeviceNames
from autocompress.request.faults import LineError, check_readable
from autocompress.request.lexicon import Kind
from autocompress.request.pairing import fits, natural_field, pairings
from autocompress.request.quantities import QUANTITIES, Quantity
from autocompress.request.scanner import Scanner
from autocompress.request.text import FoldedLine, fold
from autocompress.request.tokens import Token

_DIRECTION = {Kind.MAX: "max", Kind.FASTER: "max", Kind.MIN: "min", Kind.SLOWER: "min"}
_SKIPPED = {Kind.FILLER, Kind.TARGET, Kind.DEVICE}
_UPPER_ONLY = "{0} can only be limited from above."
_LOWER_ONLY = "{0} can only be limited from below."


@dataclass(frozen=True)
class Limit:
    """One limit in the quantity's own unit; ``spelled`` is the amount as the user wrote it."""

    field: str
    value: float
    spelled: str
    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """What a line says: a device and its limits, in the order of the line."""

    device: str
    device_spelled: str
    limits: tuple[Limit, ...]


def read(text: str, devices: DeviceNames) -> Reading:
    """Read one line; raises :class:`LineError` at the first place that cannot be meant."""
    check_readable(text)
    line = fold(text)
    return _Parser(line, devices).reading(Scanner(line, devices).tokens())


class _Parser:
    def __init__(self, line: FoldedLine, devices: DeviceNames) -> None:
        self.line, self.devices = line, devices

    def reading(self, tokens: Sequence[Token]) -> Reading:
        limits: dict[str, Limit] = {}
        for clause in _clauses(self._without_equals(tokens)):
            for limit in self._limits(Clause(self.line, clause).items()):
                self._add(limits, limit)
        device = self._device([token for token in tokens if token.kind is Kind.DEVICE])
        end = len(self.line.folded)
        if not limits:
            hint = "Add at least one, such as 'under 80 MB' or 'latency < 1 s'."
            raise self.line.refuse("The request has no limit.", end, end, hint)
        if device is None:
            hint = "Add one, such as 'on Snapdragon 7 Gen 3'; for this computer add 'on this machine'."
            raise self.line.refuse("The request names no device.", end, end, hint)
        return Reading(device.device, self.line.spelled(device.start, device.end), tuple(limits.values()))

    def _without_equals(self, tokens: Sequence[Token]) -> Iterator[Token]:
        """'=' says nothing after a quantity or before a device; anywhere else it is a mistake."""
        for i, token in enumerate(tokens):
            if token.kind is not Kind.EQUAL:
                yield token
                continue
            last = tokens[i - 1].kind if i else None
            following = tokens[i + 1].kind if i + 1 < len(tokens) else None
            if last is Kind.TARGET and following is not Kind.DEVICE:
                raise self.line.refuse(
                    "No device follows.", token.start, token.end, "Write device=snapdragon-7-gen-3."
                )
            loose = self.line.folded[token.start] == ":"
            if not (loose or last in {Kind.TARGET, Kind.QUANTITY, Kind.FILLER}):
                hint = "Write it after a quantity, such as size_mb=80."
                raise self.line.refuse("This sign has nothing before it.", token.start, token.end, hint)

    def _device(self, named: Sequence[Token]) -> Token | None:
        for other in named[1:]:
            if other.device != named[0].device:
                first, second = self.devices.show(named[0].device), self.devices.show(other.device)
                hint = f"Keep either {first} or {second}: one request has one device."
                raise self.line.refuse("This is a second device.", other.start, other.end, hint)
        return named[0] if named else None

    def _add(self, limits: dict[str, Limit], limit: Limit) -> None:
        first = limits.setdefault(limit.field, limit)
        if first.value != limit.value:
            label = QUANTITIES[limit.field].label
            hint = f"The first is {first.spelled}. Keep one of them, or say what the other one limits."
            raise self.line.refuse(
                f"This is a second, different limit for {label}.", limit.start, limit.end, hint
            )

    # Which word belongs to which number

    def _limits(self, items: Sequence[Item]) -> Iterator[Limit]:
        """The limits of a clause, from the only way to give each word a number beside it."""
        owners = [o for o in pairings(items) if all(fits(items[m], items[b]) for b, m in o.items())]
        owners = [
            o
            for o in owners
            if all(natural_field(b) or i in o for i, b in enumerate(items) if isinstance(b, Bound))
        ]
        if not owners:
            raise self._unpaired(items)
        if len(owners) > 1:
            raise self._ambiguous(items, owners[0], owners[1])
        for i, bound in enumerate(items):
            if isinstance(bound, Bound):
                mention = items[owners[0][i]] if i in owners[0] else None
                quantity = (
                    mention.quantity if isinstance(mention, Mention) else QUANTITIES[natural_field(bound)]
                )
                yield self._limit(quantity, bound)

    def _ambiguous(self, items: Sequence[Item], one: dict[int, int], other: dict[int, int]) -> LineError:
        mention = next(items[m] for b, m in one.items() if other.get(b) != m)
        hint = "Separate the limits with commas, or write each as 'memory < 500 MB'."
        problem = f"'{self.line.spelled(mention.start, mention.end)}' can belong to either number beside it."
        return self.line.refuse(problem, mention.start, mention.end, hint)

    def _unpaired(self, items: Sequence[Item]) -> LineError:
        """Say of the first word or number why it stays alone."""
        pairing = next(iter(pairings(items)), None)
        for i, item in enumerate(items):
            if isinstance(item, Mention):
                if not any(
                    isinstance(near, Bound) for near in (*items[max(0, i - 1) : i], *items[i + 1 : i + 2])
                ):
                    return self._no_number(item)
            elif pairing is None or i not in pairing:
                if not natural_field(item):
                    return self._bare(item)
            elif not fits(items[pairing[i]], item):
                return self._misfit(items[pairing[i]], item)
        mentions = [item for item in items if isinstance(item, Mention)]
        unfit = (m for m in mentions if not any(fits(m, bound) for bound in items))
        return self._no_number(next(unfit, mentions[-1]))

    def _no_number(self, item: Item) -> LineError:
        example = item.quantity.example if isinstance(item, Mention) else "size < 80 MB"
        problem = f"'{self.line.spelled(item.start, item.end)}' has no number of its own."
        return self.line.refuse(problem, item.start, item.end, f"Write for example: {example}")

    def _bare(self, bound: Bound) -> LineError:
        text = self.line.spelled(bound.start, bound.end)
        near = "MB, s" if bound.unit is None else "size, latency, rtf, similarity, MOS"
        hint = (
            f"Add what it limits: {text} {near}?" if bound.unit else f"Add its unit ({near}) or its quantity."
        )
        return self.line.refuse(f"What does {text} limit?", bound.start, bound.end, hint)

    def _misfit(self, mention: Item, bound: Bound) -> LineError:
        assert isinstance(mention, Mention)
        quantity, text = mention.quantity, self.line.spelled(bound.start, bound.end)
        if bound.unit is None:
            hint = f"Did you mean {text} {quantity.unit}?"
            return self.line.refuse(f"{quantity.label} needs a unit.", bound.start, bound.end, hint)
        hint = f"Write for example: {quantity.example}"
        return self.line.refuse(f"{text} is not a value of {quantity.label}.", bound.start, bound.end, hint)

    # What a number says

    def _limit(self, quantity: Quantity, bound: Bound) -> Limit:
        if bound.is_speed:
            return self._speed(quantity, bound)
        self._check_direction(quantity, bound)
        factor = Decimal(1) if bound.unit is None else bound.unit.factor
        return self._checked(quantity, bound, float(bound.number * factor))

    def _check_direction(self, quantity: Quantity, bound: Bound) -> None:
        word = bound.compared
        if word is None or word.kind is Kind.BETTER:
            return
        if word.kind in {Kind.FASTER, Kind.SLOWER} and quantity.dimension != "time":
            hint = f"Write for example: {quantity.example}"
            raise self.line.refuse(f"{quantity.label} is not a time.", word.start, word.end, hint)
        if _DIRECTION[word.kind] != quantity.bound:
            problem = _UPPER_ONLY if quantity.bound == "max" else _LOWER_ONLY
            hint = f"Did you mean '{quantity.words} {self.line.spelled(bound.start, bound.end)}'?"
            raise self.line.refuse(problem.format(quantity.label), word.start, word.end, hint)

    def _speed(self, quantity: Quantity, bound: Bound) -> Limit:
        """Times real time: the real-time factor is its inverse."""
        kind = bound.compared.kind if bound.compared else None
        if kind is Kind.SLOWER:
            raise self.line.refuse(
                _UPPER_ONLY.format(quantity.label), bound.start, bound.end, "Did you mean faster?"
            )
        if bound.is_counted and (kind is Kind.MAX or bound.number < 1):
            hint = f"Write the real-time factor instead: {quantity.example}"
            raise self.line.refuse("Is this a speed or a real-time factor?", bound.start, bound.end, hint)
        finite = bound.number.is_finite()
        return self._checked(quantity, bound, float(1 / bound.number) if finite else float(bound.number))

    def _checked(self, quantity: Quantity, bound: Bound, value: float) -> Limit:
        fault = quantity.fault(value)
        spelled = self.line.spelled(bound.start, bound.end)
        if fault is None:
            return Limit(quantity.field, value, spelled, bound.start, bound.end)
        percent = quantity.dimension == "share" and bound.unit is None and 1 < value <= 100
        hint = f"Did you mean {spelled}%?" if percent else f"Write for example: {quantity.example}"
        raise self.line.refuse(f"{fault[0].upper()}{fault[1:]}.", bound.start, bound.end, hint)


def _clauses(tokens: Iterator[Token]) -> Iterator[list[Token]]:
    clause: list[Token] = []
    for token in tokens:
        if token.kind is Kind.SEPARATOR:
            yield clause
            clause = []
        elif token.kind not in _SKIPPED:
            clause.append(token)
    yield clause
