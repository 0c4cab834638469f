"""Text to tokens: devices first, then units after numbers, then the longer of a number and a phrase."""

import re
from decimal import Decimal

from autocompress.request.devices import DeviceMatch, DeviceNames
from autocompress.request.diagnosis import Diagnosis
from autocompress.request.lexicon import Kind, Word, match_word
from autocompress.request.numerals import DECIMAL_COMMA, match_number
from autocompress.request.text import FoldedLine
from autocompress.request.tokens import Token
from autocompress.request.units import UNITS, match_unit


class Scanner:
    """Reads one line; :meth:`tokens` raises :class:`LineError` at the first place that means nothing."""

    def __init__(self, line: FoldedLine, devices: DeviceNames) -> None:
        self.line, self.devices = line, devices
        self._named = {match.start: match for match in devices.scan(line.folded)}
        self._diagnosis = Diagnosis(line, devices, self._named)

    def tokens(self) -> list[Token]:
        """All tokens, from left to right; ``百分之五`` is a number and a unit that share their place."""
        found: list[Token] = []
        position = self.line.skip_spaces(0)
        while position < len(self.line.folded):
            new = self._next(position, found)
            if new is None:
                raise self._diagnosis.unknown(position, found)
            found += new
            position = self.line.skip_spaces(new[-1].end)
        return found

    def _next(self, at: int, before: list[Token]) -> list[Token] | None:
        if at in self._named:
            return [self._device(self._named[at])]
        if before and before[-1].kind is Kind.NUMBER:
            after = self._after_number(at, before[-1])
            if after:
                return [after]
        if self._is_dash(at):
            return [Token(Kind.SEPARATOR, at, at + 1)]
        return self._number_or_word(at)

    def _number_or_word(self, at: int) -> list[Token] | None:
        number, word = match_number(self.line.folded, at), match_word(self.line.folded, at)
        if number and (word is None or number[1] >= word[1]):
            return self._number(at, *number)
        if word is None:
            return None
        if word[0].kind is Kind.VAGUE:
            text = self.line.spelled(at, word[1])
            raise self.line.refuse(f"'{text}' is not a limit.", at, word[1], word[0].value)
        return [Token(word[0].kind, at, word[1], word=word[0])]

    def _number(self, at: int, value: Decimal, end: int, percent: bool) -> list[Token]:
        comma = DECIMAL_COMMA.match(self.line.folded, at)
        if comma:
            dotted = comma[0].replace(",", ".")
            hint = f"Write {dotted} for a fraction, and a space after a comma that separates two limits."
            raise self.line.refuse("This comma can be read in two ways.", at, comma.end(), hint)
        token = Token(Kind.NUMBER, at, end, number=value)
        return [token, Token(Kind.UNIT, at, end, unit=UNITS["%"])] if percent else [token]

    def _after_number(self, at: int, number: Token) -> Token | None:
        """A unit, or the plus of "3.5+"."""
        folded = self.line.folded
        hyphen = folded[at] == "-" and at == number.end
        unit = match_unit(folded, at + hyphen)
        if unit:
            return Token(Kind.UNIT, at, unit.end(), unit=UNITS[unit[0]])
        if folded[at] == "+" and at == number.end:
            return Token(Kind.MIN, at, at + 1, word=Word(Kind.MIN, before=False, after=True))
        return None

    def _device(self, match: DeviceMatch) -> Token:
        goes_on = re.compile(r"\s*max(?![a-z0-9])").match(self.line.folded, match.end)
        if goes_on and re.search(r"(?:pro|m\d)$", self.line.folded[match.start : match.end]):
            raise self._diagnosis.unknown_device(match.start, goes_on.end(), match.device)
        return Token(Kind.DEVICE, match.start, match.end, device=match.device)

    def _is_dash(self, at: int) -> bool:
        return re.compile(r"(?<=\s)-(?=\s)").match(self.line.folded, at) is not None
