"""Which single decisions to measure first, and what is believed of those that were not measured."""

import re
from dataclasses import dataclass

import numpy as np

from autocompress.space import Choice
from autocompress.study.cost import CostModel
from autocompress.study.encoding import Encoding, Rows
from autocompress.study.program import Floats, Quality

# Until more is known, loss grows about as this power of what is taken away (measured on the reference model,
# one decision at a time, where what stays takes over what it can): KL of the GPT; mel distance in dB;
# storage, where almost all is lost in the last step.
_GPT_POWER, _SOVITS_POWER, _STORAGE_POWER = 1.5, 0.9, 6.0
_PRECISION = ("storage", "compute")
_UNKNOWN = 0.3  # loss at the far end of a choice of which nothing is known, relative to the others' median


@dataclass(frozen=True)
class Screen:
    """One measurement: ``row`` is the teacher with the far options of ``choices`` (and what these need)."""

    row: Rows
    choices: tuple[int, ...]


def screens(cost: CostModel, limit: int) -> tuple[list[Screen], list[Screen]]:
    """What to measure first, and what later: families of like choices, then with room for it each choice.

    With little room only the families that save most. Where they are hardly fewer than choices, each at once.
    """
    each = _screens(cost.encoding, [(i,) for i in _searched(cost.encoding)])
    families = sorted(family_screens(cost.encoding), key=lambda s: -_saving(cost, s.row))
    if len(each) <= min(limit, 2 * len(families)):
        return each, []
    known = {s.choices for s in families}
    singles = [s for s in each if s.choices not in known]
    return (families, singles) if len(families) + len(singles) <= limit else (families[:limit], [])


def family_screens(encoding: Encoding) -> list[Screen]:
    """One screen a family: the same decision in every layer, one kind of precision in a whole half.

    Precision that the teacher has no place for, such as that of its spare vocoder, is a family of its own.
    """
    families: dict[str, list[int]] = {}
    for i in _searched(encoding):
        choice = encoding.choices[i]
        precision, numbered = f"{choice.role}.{choice.component}", re.sub(r"\d+(-\d+)?", "#", choice.name)
        teachers = choice.role in _PRECISION and _opens_at_once(encoding, i)
        families.setdefault(precision if teachers else numbered, []).append(i)
    return _screens(encoding, [tuple(members) for members in families.values()])


def _opens_at_once(encoding: Encoding, i: int) -> bool:
    """Whether no module of the teacher must be replaced for the choice to be decided."""
    parents = [encoding.space.by_name.get(c.parent) for c in encoding.choices[i].when]
    waits = [p for p, c in zip(parents, encoding.choices[i].when, strict=True)
             if p is not None and p.role == "module" and p.default not in c.values]  # fmt: skip
    return not waits


def _searched(encoding: Encoding) -> list[int]:
    return [i for i, c in enumerate(encoding.choices) if c.component != "recipe"]


def _screens(encoding: Encoding, groups: list[tuple[int, ...]]) -> list[Screen]:
    made = [Screen(_row(encoding, group), group) for group in groups]
    return [s for s in made if not np.array_equal(s.row, encoding.teacher)]


def _saving(cost: CostModel, row: Rows) -> float:
    """The largest share of a cost that ``row`` takes away."""
    return float(((cost.base - cost.costs(row[None, :])[0]) / np.abs(cost.base)).max())


def believed(encoding: Encoding, screened: list[Screen], losses: list[float]) -> Quality:
    """Loss of every option of every choice, from what the screens lost; spread evenly over a family."""
    far = np.full(len(encoding.choices), np.nan)
    for screen, loss in zip(screened, losses, strict=True):
        taken = max(1, int(sum(screen.row[i] != encoding.teacher[i] for i in screen.choices)))
        for i in screen.choices:  # a quota may have kept some as they were
            far[i] = max(0.0, loss - _parents_loss(encoding, i, far)) / taken
    typical = float(np.nanmedian(far)) if np.isfinite(far).any() else 1.0
    return [
        _curve(choice, _UNKNOWN * typical if np.isnan(far[i]) else float(far[i]))
        for i, choice in enumerate(encoding.choices)
    ]


def _curve(choice: Choice, far: float) -> Floats:
    """Losses of the options between the teacher's own and the far end."""
    if choice.component == "recipe":
        return np.zeros(len(choice.options))
    own = choice.index(choice.default)
    if not choice.ordered:
        return np.where(np.arange(len(choice.options)) == own, 0.0, far)
    return far * _taken(choice) ** _power(choice)


def _power(choice: Choice) -> float:
    if choice.role == "storage":
        return _STORAGE_POWER
    return _SOVITS_POWER if choice.component == "sovits" else _GPT_POWER


def _taken(choice: Choice) -> Floats:
    """Share of the way from the first option to the last: by value for widths, else by place."""
    numbers = [v for v in choice.options if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == len(choice.options) and numbers[0] != numbers[-1]:
        return np.array([(numbers[0] - v) / (numbers[0] - numbers[-1]) for v in numbers])
    return np.arange(len(choice.options)) / (len(choice.options) - 1)


def single_row(encoding: Encoding, i: int, option: int) -> Rows:
    """The teacher with one option of one choice, parents and guards opened for it."""
    row = encoding.teacher.copy()
    _set(encoding, row, i, option)
    return np.asarray(encoding.repair(row[None, :])[0])


def without(encoding: Encoding, i: int, row: Rows) -> Rows:
    """``row`` with choice ``i`` back at its default: what was opened for it stays."""
    back = row.copy()
    back[i] = encoding.choices[i].index(encoding.choices[i].default)
    return np.asarray(encoding.repair(back[None, :])[0])


def _row(encoding: Encoding, group: tuple[int, ...]) -> Rows:
    """The teacher with the far option of every choice of the group."""
    row = encoding.teacher.copy()
    for i in group:
        _set(encoding, row, i, len(encoding.choices[i].options) - 1)
    return np.asarray(encoding.repair(row[None, :])[0])


def _set(encoding: Encoding, row: Rows, i: int, option: int) -> None:
    _open(encoding, row, i)
    row[i] = option
    for guard in encoding.choices[i].guards:
        if encoding.choices[i].options[option] in guard.closed:
            _take(encoding, row, guard.unless.parent, guard.unless.values)


def _open(encoding: Encoding, row: Rows, i: int) -> None:
    for condition in encoding.choices[i].when:
        _take(encoding, row, condition.parent, condition.values)


def _take(encoding: Encoding, row: Rows, parent: str, values: tuple[object, ...]) -> None:
    """Give ``parent`` the first of ``values``, unless it has one of them already."""
    column = encoding.column.get(parent)
    if column is None:
        return
    opening = encoding.indices(parent, values)  # type: ignore[arg-type]
    if row[column] not in opening:
        _open(encoding, row, column)
        row[column] = opening[0]


def _parents_loss(encoding: Encoding, i: int, far: Floats) -> float:
    """What the parent's own opening option was found to lose."""
    total = 0.0
    for condition in encoding.choices[i].when:
        parent = encoding.column.get(condition.parent)
        if parent is None or np.isnan(far[parent]):
            continue
        opening = encoding.indices(condition.parent, condition.values)
        if encoding.teacher[parent] not in opening:
            total += float(_curve(encoding.choices[parent], float(far[parent]))[opening[0]])
    return total
