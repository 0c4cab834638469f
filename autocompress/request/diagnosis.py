"""What was not understood: a device, a unit or a word; how far it goes, and what was probably meant."""

import difflib
import re
from collections.abc import Iterator, Mapping

from autocompress.request.devices import DeviceMatch, DeviceNames
from autocompress.request.faults import LineError
from autocompress.request.lexicon import DEVICE_SUFFIXES, WORDS, Kind, match_word
from autocompress.request.numerals import match_number
from autocompress.request.text import FoldedLine
from autocompress.request.tokens import Token
from autocompress.request.units import SHOWN_UNITS, UNITS, match_unit

_TEXT_PIECE = re.compile(r"[a-z0-9_+'][a-z0-9_+.'-]*(?<![.'-])")
_LATIN_WORD = re.compile(r"[a-z]{3,}")


class Diagnosis:
    """Finds the error to raise for a place that no rule reads; ``named`` holds the devices of the line."""

    def __init__(self, line: FoldedLine, devices: DeviceNames, named: Mapping[int, DeviceMatch]) -> None:
        self.line, self.devices, self._named = line, devices, named

    def unknown(self, at: int, before: list[Token]) -> LineError:
        pieces = list(self._run(at))
        start, end = at, pieces[-1]
        last = before[-1] if before else None
        text = self.line.folded[at:end]
        if last and last.kind is Kind.DEVICE and self._continues_device(text):
            return self.unknown_device(last.start, end, last.device)
        if self.line.skip_spaces(end) in self._named and self._is_devicelike(text):
            end = self._named[self.line.skip_spaces(end)].end  # a slip in the first word of a name
        if self._is_devicelike(text) or (last and last.kind in {Kind.TARGET, Kind.EQUAL} and not self._named):
            return self.unknown_device(self._back_over_number(before, start), end)
        return self._unknown_word(start, pieces[0], last)

    def _run(self, at: int) -> Iterator[int]:
        """Ends of the unknown pieces and bare numbers that follow each other from here."""
        while True:
            at = self._piece_end(at)
            yield at
            at = self.line.skip_spaces(at)
            if at >= len(self.line.folded) or at in self._named:
                return
            if not (self._is_bare_number(at) or self._is_unknown(at)):
                return

    def _is_bare_number(self, at: int) -> bool:
        """A number without a unit; the 7s of "7s Gen 3" is one too."""
        number = match_number(self.line.folded, at)
        if number is None:
            return False
        unit = match_unit(self.line.folded, self.line.skip_spaces(number[1]))
        return unit is None or re.compile(r"\s*gen(?![a-z])").match(self.line.folded, unit.end()) is not None

    def _is_unknown(self, at: int) -> bool:
        known = match_number(self.line.folded, at) or match_word(self.line.folded, at)
        return self.line.folded[at].isalnum() and not known

    def _piece_end(self, at: int) -> int:
        piece = _TEXT_PIECE.match(self.line.folded, at)
        if piece:
            return piece.end()
        end = at + 1
        while end < len(self.line.folded) and self._goes_on(at, end):
            end += 1
        return end

    def _goes_on(self, first: int, at: int) -> bool:
        """Chinese has no spaces: an unknown word lasts until something is known; a sign while it repeats."""
        start, character = self.line.folded[first], self.line.folded[at]
        if not start.isalnum():
            return character == start
        return not character.isascii() and at not in self._named and self._is_unknown(at)

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
        """ "9 Gen 1" and "8s Gen 9" begin with their number, unless a comparison or quantity claims it."""
        tail = list(before)
        while tail and self.line.folded[tail[-1].start : tail[-1].end] in {"+", "s"}:
            tail.pop()
        if not tail or tail[-1].kind is not Kind.NUMBER:
            return start
        number = tail.pop()
        free = {Kind.TARGET, Kind.FILLER, Kind.SEPARATOR, Kind.EQUAL, Kind.UNIT}
        return number.start if not tail or tail[-1].kind in free else start

    def unknown_device(self, start: int, end: int, nearest: str | None = None) -> LineError:
        """The error for a device without a profile; ``nearest`` is the one whose name it begins with."""
        near = ", ".join(self.devices.nearest(self.line.folded[start:end], nearest)) or "none"
        hint = f"Nearest devices: {near}. All: autocompress devices list. This computer: on this machine."
        if self.line.folded[start:end].endswith("max"):
            hint += " If 'max' begins a limit, put a comma before it."
        return self.line.refuse(f"Unknown device '{self.line.spelled(start, end)}'.", start, end, hint)

    def _unknown_word(self, start: int, end: int, last: Token | None) -> LineError:
        text, spelled = self.line.folded[start:end], self.line.spelled(start, end)
        if text[0] == "-":
            is_range = last is not None and last.kind in {Kind.NUMBER, Kind.UNIT}
            hint = "Write one limit, not a range: under 100 MB." if is_range else "Write keys as size_mb<=80."
            return self.line.refuse(f"'{spelled}' is not understood.", start, end, hint)
        if last and last.kind is Kind.NUMBER and (last.end == start or not text[0].isalpha()):
            return self.line.refuse(f"Unknown unit '{spelled}'.", start, end, _nearest_unit(text))
        known = [phrase for phrase, word in WORDS.items() if word.kind is not Kind.VAGUE]
        near = difflib.get_close_matches(text, [*known, *(unit for unit in UNITS if len(unit) > 3)], 1, 0.6)
        otherwise = "Leave it out, or write a limit such as 'under 80 MB'."
        hint = f"Did you mean '{near[0]}'?" if near else otherwise
        return self.line.refuse(f"'{spelled}' is not understood.", start, end, hint)


def _nearest_unit(text: str) -> str:
    near = [unit for unit in SHOWN_UNITS if unit[0].casefold() == text[0]]
    near.sort(key=lambda unit: -difflib.SequenceMatcher(None, text, unit.casefold()).ratio())
    return f"Did you mean {near[0]}?" if near else f"Units are {', '.join(SHOWN_UNITS)}."
