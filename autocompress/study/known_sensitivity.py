"""The sensitivity table as far as a search has measured it: nothing is evaluated for it."""

from collections.abc import Callable, Iterator
from itertools import takewhile

from autocompress.space import Candidate
from autocompress.study.encoding import Encoding, Rows
from autocompress.study.screening import Screen, family_screens, single_row, without
from autocompress.study.sensitivity import Cell, SensitivityTable, fit_correction

Known = Callable[[Candidate], float | None]
"""Loss of quality of a candidate at the table's rung; None when it was not measured."""


def known_sensitivity(encoding: Encoding, known: Known) -> SensitivityTable:
    """Single decisions and families of like decisions whose losses are ``known``; the rest is absent."""
    lost = _Losses(encoding, known)
    return SensitivityTable((*_single(encoding, lost), *_families(encoding, lost)), (), fit_correction(()))


class _Losses:
    def __init__(self, encoding: Encoding, known: Known) -> None:
        self._encoding, self._known = encoding, known
        self._losses: dict[bytes, float | None] = {}

    def of(self, row: Rows) -> float | None:
        """Loss of a row; the teacher's own is zero."""
        key = row.tobytes()
        if key not in self._losses:
            self._losses[key] = self._read(row)
        return self._losses[key]

    def _read(self, row: Rows) -> float | None:
        candidate = self._encoding.space.candidate(self._encoding.decode(row))
        changed = [name for name in candidate.values if not name.startswith("recipe.")]
        return self._known(candidate) if changed else 0.0


def _single(encoding: Encoding, lost: _Losses) -> Iterator[Cell]:
    """What an option loses beyond what had to be opened for it, where both are known."""
    for i, choice in enumerate(encoding.choices):
        if choice.component == "recipe":
            continue
        for o, option in enumerate(choice.options):
            row = single_row(encoding, i, o)
            whole, rest = lost.of(row), lost.of(without(encoding, i, row))
            if option != choice.default and whole is not None and rest is not None:
                yield Cell(choice.name, option, max(0.0, whole - rest))


def _families(encoding: Encoding, lost: _Losses) -> list[Cell]:
    """Screens of several like choices at once: the same decision in every layer."""
    several = [s for s in family_screens(encoding) if len(s.choices) > 1]
    measured = [(screen, lost.of(screen.row)) for screen in several]
    return [_family_cell(encoding, screen, loss) for screen, loss in measured if loss is not None]


def _family_cell(encoding: Encoding, screen: Screen, loss: float) -> Cell:
    members = [encoding.choices[i] for i in screen.choices]
    columns = zip(*(choice.name.split(".") for choice in members), strict=False)
    stem = ".".join(words[0] for words in takewhile(lambda words: len(set(words)) == 1, columns))
    return Cell(f"{stem} (all {len(members)})", members[0].options[-1], loss)
