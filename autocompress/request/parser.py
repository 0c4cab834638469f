"""One line to a device and its limits. A clause is a row of numbers and of the words that they belong to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autocompress.request.clause import Clause
from autocompress.request.devices import DeviceNames
from autocompress.request.faults import check_readable
from autocompress.request.lexicon import Kind
from autocompress.request.limits import Limit, limit_of
from autocompress.request.pairing import pair
from autocompress.request.scanner import Scanner
from autocompress.request.text import FoldedLine, fold
from autocompress.request.tokens import Token

_SKIPPED = {Kind.FILLER, Kind.TARGET, Kind.DEVICE}


@dataclass(frozen=True)
class Reading:
    """What a line says: a device and its limits, in the order of the line."""

    device: str
    device_spelled: str
    limits: tuple[Limit, ...]

    def spelled(self, field: str, value: float | str) -> str | None:
        """The user's words for this value of a field; None when they said another, or nothing."""
        if field == "device":
            return self.device_spelled if value == self.device else None
        return next(
            (limit.spelled for limit in self.limits if (limit.field, limit.value) == (field, value)), None
        )


def read(text: str, devices: DeviceNames) -> Reading:
    """Read one line; raises :class:`LineError` at the first place that cannot be meant."""
    check_readable(text)
    line = fold(text)
    tokens = Scanner(line, devices).tokens()
    limits = _limits(line, tokens)
    device = _device(line, [token for token in tokens if token.kind is Kind.DEVICE], devices)
    end = len(line.folded)
    if not limits:
        hint = "Add at least one, such as 'under 80 MB' or 'latency < 1 s'."
        raise line.refuse("The request has no limit.", end, end, hint)
    if device is None:
        hint = "Add one, such as 'on Snapdragon 7 Gen 3'; for this computer add 'on this machine'."
        raise line.refuse("The request names no device.", end, end, hint)
    return Reading(device.device, line.spelled(device.start, device.end), limits)


def _limits(line: FoldedLine, tokens: Sequence[Token]) -> tuple[Limit, ...]:
    limits: dict[str, Limit] = {}
    for clause in _clauses(_without_equals(line, tokens)):
        for quantity, bound in pair(line, Clause(line, clause).items()):
            limit = limit_of(line, quantity, bound)
            first = limits.setdefault(quantity.field, limit)
            if first.value != limit.value:
                problem = f"This is a second, different limit for {quantity.label}."
                hint = f"The first is {first.spelled}. Keep one of them, or say what the other one limits."
                raise line.refuse(problem, limit.start, limit.end, hint)
    return tuple(limits.values())


def _clauses(tokens: Iterator[Token]) -> Iterator[list[Token]]:
    clause: list[Token] = []
    for token in tokens:
        if token.kind is Kind.SEPARATOR:
            yield clause
            clause = []
        elif token.kind not in _SKIPPED:
            clause.append(token)
    yield clause


def _without_equals(line: FoldedLine, tokens: Sequence[Token]) -> Iterator[Token]:
    """'=' says nothing after a quantity or before a device, ':' nothing anywhere; else '=' is a mistake."""
    for last, token, following in zip((None, *tokens), tokens, (*tokens[1:], None), strict=False):
        if token.kind is not Kind.EQUAL:
            yield token
            continue
        before = last.kind if last else None
        if before is Kind.TARGET and not (following and following.kind in {Kind.DEVICE, Kind.FILLER}):
            hint = "Write for example: device=snapdragon-7-gen-3"
            raise line.refuse("No device follows.", token.start, token.end, hint)
        if line.folded[token.start] != ":" and before not in {Kind.TARGET, Kind.QUANTITY, Kind.FILLER}:
            hint = "Write it after a quantity, such as size_mb=80."
            raise line.refuse("This sign has nothing before it.", token.start, token.end, hint)


def _device(line: FoldedLine, named: Sequence[Token], devices: DeviceNames) -> Token | None:
    for other in named[1:]:
        if other.device != named[0].device:
            first, second = devices.show(named[0].device), devices.show(other.device)
            hint = f"Keep either {first} or {second}: one request has one device."
            raise line.refuse("This is a second device.", other.start, other.end, hint)
    return named[0] if named else None
