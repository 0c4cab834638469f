"""Devices inside running text: the longest whole name wins, and a name that goes on is another device."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from autocompress.hardware.library import canonical, list_profiles, names_of
from autocompress.request.lexicon import BRANDS, LOCAL_NAMES, WORDS
from autocompress.request.text import fold

LOCAL = "local"
_N_NEAREST = 3
_LONGEST_NAME = 40  # characters
_SHORT_KEY = 4  # "A15" and "Pi 5" are names; "a 15 MB model" and "pi5" inside a word are not
_INSIDE_A_NAME = re.compile(r"[^,;、。|&<>=≤≥:!?\"“”]*")
_NAME_END = re.compile(r"(?<=[\w+])(?![a-z0-9_+])(?!\.\d)(?!-[a-z0-9])")
_WORD = re.compile(r"[a-z]{3,}|[\u4e00-\u9fff]{2,}")


@dataclass(frozen=True)
class DeviceMatch:
    """The device named by ``folded[start:end]``."""

    device: str
    start: int
    end: int


@dataclass(frozen=True)
class DeviceNames:
    """All that devices are called: ``names[id]`` begins with the name to show. ``local`` is always known."""

    names: Mapping[str, Sequence[str]]
    _keys: dict[str, str] = field(init=False, repr=False, compare=False)
    _spellings: frozenset[str] = field(init=False, repr=False, compare=False)
    words: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        local = ("this machine", *self.names.get(LOCAL, ()), *LOCAL_NAMES)
        pairs = [(i, n) for i, own in {**self.names, LOCAL: local}.items() for n in (i, *own)]
        keys: dict[str, str] = {}
        for device, name in pairs:
            keys.setdefault(canonical(name), device)
        spellings = {spelling for _, name in pairs for spelling in _spellings(name)}
        words = {
            w for i, name in pairs if i != LOCAL for w in _WORD.findall(fold(name).folded) if w not in WORDS
        }
        object.__setattr__(self, "_keys", keys)
        object.__setattr__(self, "_spellings", frozenset(spellings))
        object.__setattr__(self, "words", frozenset({*words, *BRANDS}))

    def find(self, name: str) -> str | None:
        """The id of the device with exactly this name, or None."""
        folded = fold(name).folded.strip()
        if folded in self._spellings:
            return self._keys[canonical(name)]
        match = self.match(folded, 0)
        return match.device if match and match.end == len(folded) else None

    def match(self, folded: str, start: int) -> DeviceMatch | None:
        """The longest device name that begins at ``start`` and ends where a word ends."""
        if not _may_begin(folded, start):
            return None
        for end in _ends(folded, start):
            device = self._whole(folded[start:end])
            if device is not None:
                return DeviceMatch(device, start, end)
        return None

    def scan(self, folded: str) -> list[DeviceMatch]:
        """Every device named in the line, from left to right."""
        found: list[DeviceMatch] = []
        position = 0
        while position < len(folded):
            match = self.match(folded, position)
            if match:
                found.append(match)
            position = match.end if match else position + 1
        return found

    def nearest(self, text: str, first: str | None = None) -> list[str]:
        """The names to show of the three devices that resemble the text most, ``first`` before all."""
        wanted = canonical(text)

        def likeness(name: str) -> float:
            return difflib.SequenceMatcher(None, wanted, canonical(name)).ratio()

        best = {d: max((d, *own), key=likeness) for d, own in self.names.items() if d != LOCAL}
        ranked = sorted(best, key=lambda device: (device != first, -likeness(best[device])))
        return [self._show_as(device, best[device]) for device in ranked[:_N_NEAREST]]

    def _show_as(self, device: str, name: str) -> str:
        """ "iPhone 15 Pro (Apple A17 Pro)": the name that resembles, then the device's own."""
        shown = self.show(device)
        return shown if canonical(name) == canonical(shown) else f"{name} ({shown})"

    def show(self, device: str) -> str:
        """What a person calls the device."""
        if device == LOCAL:
            return "this machine"
        return next(iter(self.names.get(device, ())), device)

    def _whole(self, text: str) -> str | None:
        key = canonical(text)
        if key not in self._keys:
            return None
        if len(key) <= _SHORT_KEY and not key[0].isdigit() and text not in self._spellings:
            return None
        if key[0].isdigit() and _spellings(text)[1] not in self._spellings:
            return None  # 苹果 15 is a phone, 15 is a number, and "14 Pro" could be anybody's
        if re.fullmatch(r"\d\s*g\s+\d|\d\s+g\s*\d", text):
            return None  # "8G 3" is memory, and "8G3" a chip
        return self._keys[key]


def _spellings(name: str) -> tuple[str, str]:
    folded = fold(name).folded
    return folded, re.sub(r"[\s-]+", "", folded)


def _may_begin(folded: str, start: int) -> bool:
    character = folded[start : start + 1]
    if not character.isalnum():
        return False
    before = folded[start - 1] if start else " "
    if not (character.isascii() and before.isascii()):
        return True
    return not (before.isalnum() or before in "_.+-")


def _ends(folded: str, start: int) -> Iterator[int]:
    """Where a name that begins at ``start`` may end, the farthest first."""
    inside = _INSIDE_A_NAME.match(folded, start)
    limit = min(start + _LONGEST_NAME, inside.end() if inside else start)
    ends = [m.end() for m in _NAME_END.finditer(folded, start + 1) if m.end() <= limit]
    chinese = [i for i in range(start + 1, limit) if not (folded[i - 1].isascii() and folded[i].isascii())]
    good = {e for e in (*ends, *chinese) if folded[e - 1].isalnum() or folded[e - 1] == "+"}
    return iter(sorted(good, reverse=True))


def library_devices() -> DeviceNames:
    """The devices that have a hardware profile here: the user's own and the shipped ones."""
    return _cached(tuple((profile.id, (profile.names.en, *names_of(profile))) for profile in list_profiles()))


@lru_cache(maxsize=4)
def _cached(names: tuple[tuple[str, tuple[str, ...]], ...]) -> DeviceNames:
    return DeviceNames(dict(names))
