"""Text to tokens: devices first, then units after numbers, then the longer of a number and a phrase."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from autocompress.request.devices import DeviceMatch, DeviceNames
from autocompress.request.faults import LineError, is_control, printable
from autocompress.request.lexicon import DEVICE_SUFFIXES, WORDS, Kind, Word, match_word
from autocompress.request.numerals import DECIMAL_COMMA, match_number
from autocompress.request.text import FoldedLine
from autocompress.request.units import SHOWN_UNITS, UNITS, Unit, match_unit

MAX_CHARACTERS = 500
_TEXT_PIECE = re.compile(r"[a-z0-9_+'][a-z0-9_+.'-]*(?<![.'-])")
_LATIN_WORD = re.compile(r"[a-z]{3,}")


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


class Scanner:
    """Reads one line; :meth:`tokens` raises :class:`LineError` at the first place that means nothing."""

    def __init__(self, line: FoldedLine, devices: DeviceNames) -> None:
        self.line, self.devices = line, devices
        self._named = {match.start: match for match in devices.scan(line.folded)}

    def tokens(self) -> list[Token]:
        """All tokens, from left to right; ``百分之五`` is a number and a unit that share their place."""
        self._refuse_unreadable()
        found: list[Token] = []
        position = self._skip(0)
        while position < len(self.line.folded):
            new = self._next(position, found)
            if new is None:
                raise self._unknown(position, found)
            found += new
            position = self._skip(new[-1].end)
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
        if number and (word is None or number[1] > word[1]):
            return self._number(at, *number)
        if word is None:
            return None
        if word[0].kind is Kind.VAGUE:
            text = self.spelled(at, word[1])
            raise self.refuse(f"'{text}' is not a limit.", at, word[1], word[0].value)
        return [Token(word[0].kind, at, word[1], word=word[0])]

    def _number(self, at: int, value: Decimal, end: int, percent: bool) -> list[Token]:
        comma = DECIMAL_COMMA.match(self.line.folded, at)
        if comma:
            hint = "Write 0.8 for a fraction; put a space after a comma that separates two limits."
            raise self.refuse("This comma can be read in two ways.", at, comma.end(), hint)
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
            raise self._unknown_device(match.start, goes_on.end())
        return Token(Kind.DEVICE, match.start, match.end, device=match.device)

    def _is_dash(self, at: int) -> bool:
        return re.compile(r"(?<=\s)-(?=\s)").match(self.line.folded, at) is not None

    def _skip(self, at: int) -> int:
        while at < len(self.line.folded) and self.line.folded[at].isspace():
            at += 1
        return at

    # What was not understood

    def refuse(self, problem: str, start: int, end: int, hint: str) -> LineError:
        """The error that marks ``folded[start:end]`` in the user's own line."""
        return LineError(problem, self.line.raw, *self.line.raw_span(start, end), hint)

    def spelled(self, start: int, end: int) -> str:
        """The user's own characters at ``folded[start:end]``, single-spaced."""
        first, last = self.line.raw_span(start, end)
        return " ".join(printable(self.line.raw[first:last]).split())

    def _refuse_unreadable(self) -> None:
        raw = self.line.raw
        for i, character in enumerate(raw):
            if is_control(character):
                problem = f"The request holds the control character U+{ord(character):04X}."
                raise LineError(problem, raw, i, i + 1, "Write the request as one line of plain text.")
        if not raw.strip():
            hint = "Write for example: <80MB, <1s on Snapdragon 7 Gen3"
            raise LineError("The request is empty.", raw, 0, 0, hint)
        if len(raw) > MAX_CHARACTERS:
            problem = f"The request has {len(raw)} characters; at most {MAX_CHARACTERS} are read."
            raise LineError(problem, raw, MAX_CHARACTERS, len(raw), "Write only the device and the limits.")

    def _unknown(self, at: int, before: list[Token]) -> LineError:
        pieces = list(self._run(at))
        start, end = at, pieces[-1]
        last = before[-1] if before else None
        text = self.line.folded[at:end]
        if last and last.kind is Kind.DEVICE and self._continues_device(text):
            return self._unknown_device(last.start, end)
        if self._skip(end) in self._named and self._is_devicelike(text):
            end = self._named[self._skip(end)].end  # a slip in the first word of a name
        if self._is_devicelike(text) or (last and last.kind in {Kind.TARGET, Kind.EQUAL} and not self._named):
            return self._unknown_device(self._back_over_number(before, start), end)
        return self._unknown_word(start, pieces[0], last)

    def _run(self, at: int) -> Iterator[int]:
        """Ends of the unknown pieces and bare numbers that follow each other from here."""
        while True:
            at = self._piece_end(at)
            yield at
            at = self._skip(at)
            if at >= len(self.line.folded) or at in self._named:
                return
            number = match_number(self.line.folded, at)
            bare = number is not None and match_unit(self.line.folded, self._skip(number[1])) is None
            if not bare and (
                number or match_word(self.line.folded, at) or not self.line.folded[at].isalnum()
            ):
                return

    def _piece_end(self, at: int) -> int:
        piece = _TEXT_PIECE.match(self.line.folded, at)
        if piece:
            return piece.end()
        end = at + 1
        while (
            end < len(self.line.folded) and self._is_unknown_character(end) and self.line.folded[at].isalnum()
        ):
            end += 1
        return end

    def _is_unknown_character(self, at: int) -> bool:
        character = self.line.folded[at]
        known = at in self._named or match_number(self.line.folded, at) or match_word(self.line.folded, at)
        return character.isalnum() and not character.isascii() and not known

    def _continues_device(self, text: str) -> bool:
        first = re.split(r"[\s-]", text)[0]
        return first in DEVICE_SUFFIXES or first in self.devices.words

    def _is_devicelike(self, text: str) -> bool:
        if any(word in text for word in self.devices.words if not word.isascii()):
            return True
        return any(self._is_device_word(word) for word in _LATIN_WORD.findall(text))

    def _is_device_word(self, word: str) -> bool:
        if word in self.devices.words:
            return True
        near = difflib.get_close_matches(word, [w for w in self.devices.words if len(w) > 3], 1, 0.75)
        nearer = difflib.get_close_matches(word, [*WORDS, *near], 1, 0.75)
        return bool(near) and nearer == near

    def _back_over_number(self, before: list[Token], start: int) -> int:
        """ "9 Gen 1" begins with its number, unless a comparison or a quantity claims that."""
        tail = [token for token in before[-2:] if token.kind is not Kind.MIN or token.word is None]
        if not tail or tail[-1].kind is not Kind.NUMBER:
            return start
        claimed = len(tail) > 1 and tail[-2].kind not in {
            Kind.TARGET,
            Kind.FILLER,
            Kind.SEPARATOR,
            Kind.EQUAL,
        }
        return start if claimed else tail[-1].start

    def _unknown_device(self, start: int, end: int) -> LineError:
        near = ", ".join(self.devices.nearest(self.line.folded[start:end])) or "none"
        hint = f"Nearest devices: {near}. All: autocompress devices list. This computer: on this machine."
        return self.refuse(f"Unknown device '{self.spelled(start, end)}'.", start, end, hint)

    def _unknown_word(self, start: int, end: int, last: Token | None) -> LineError:
        text = self.line.folded[start:end]
        if (
            last
            and last.kind is Kind.NUMBER
            and (last.end == start or not text[0].isalpha())
            and text[0] != "-"
        ):
            near = [u for u in SHOWN_UNITS if u[0].casefold() == text[0]]
            near.sort(key=lambda u: -difflib.SequenceMatcher(None, text, u.casefold()).ratio())
            hint = f"Did you mean {near[0]}?" if near else f"Units are {', '.join(SHOWN_UNITS)}."
            return self.refuse(f"Unknown unit '{self.spelled(start, end)}'.", start, end, hint)
        if text[0] == "-":
            return self.refuse(
                "'-' is not understood.", start, end, "Write one limit, not a range: under 100 MB."
            )
        known = [phrase for phrase, word in WORDS.items() if word.kind is not Kind.VAGUE]
        near = difflib.get_close_matches(text, [*known, *(u for u in UNITS if len(u) > 3)], 1, 0.6)
        hint = (
            f"Did you mean '{near[0]}'?" if near else "Leave it out, or write a limit such as 'under 80 MB'."
        )
        return self.refuse(f"'{self.spelled(start, end)}' is not understood.", start, end, hint)
