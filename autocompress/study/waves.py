"""Conditions and guards of every choice as tables: a whole batch of rows obeys them in a few array steps.

Choices are sorted into waves: one that looks at no other, then those that look at earlier waves only. One by
one, the 85 choices of a joint space cost a search more than everything else it did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from autocompress.space import Choice, Condition, SearchSpace

Rows = npt.NDArray[np.int64]  # [n_points, n_choices]; option index, or -1 where the choice is inactive
Mask = npt.NDArray[np.bool_]
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Gate:
    """For each choice of a wave, one column that it looks at and the options there that open it."""

    columns: Rows  # [n_wave]
    opens: Mask  # [n_wave * width], flat: inactive first, then the options
    starts: Rows  # [n_wave], where the options of each begin in ``opens``

    def open(self, rows: Rows) -> Mask:
        """Which choices of the wave are open in each row; [n_points, n_wave]."""
        return np.asarray(self.opens[self.starts + rows[:, self.columns]])


@dataclass(frozen=True)
class Closing:
    """One guard a choice: options that are closed unless ``unless`` is open, and what takes their place."""

    closed: Gate
    unless: Gate
    fallback: Rows  # [n_wave]


@dataclass(frozen=True)
class Wave:
    """Choices that look at earlier waves only."""

    columns: Rows  # [n_wave]
    defaults: Rows  # [n_wave]
    when: tuple[Gate, ...]
    closings: tuple[Closing, ...]

    def settle(self, rows: Rows, *, guarded: bool) -> None:
        """In place: active choices have an option, the others -1; no closed option if ``guarded``."""
        value = rows[:, self.columns]
        value = np.where(value < 0, self.defaults, value)
        for gate in self.when:
            value[~gate.open(rows)] = -1
        rows[:, self.columns] = value
        for closing in self.closings if guarded else ():
            shut = closing.closed.open(rows) & ~closing.unless.open(rows)
            value = np.where(shut, closing.fallback, value)
            rows[:, self.columns] = value


def waves(space: SearchSpace, choices: Sequence[Choice]) -> tuple[Wave, ...]:
    """The waves of ``choices``, parents first; a choice with one option is no column of the rows."""
    tables = _Tables(space, choices)
    depth: dict[int, int] = {}
    for i, choice in enumerate(choices):
        seen = [tables.column[c.parent] for c in _looks_at(choice) if c.parent in tables.column]
        depth[i] = 1 + max((depth.get(parent, -1) for parent in seen), default=-1)
    levels = range(max(depth.values(), default=-1) + 1)
    return tuple(tables.wave([i for i in depth if depth[i] == level]) for level in levels)


def _looks_at(choice: Choice) -> list[Condition]:
    return [*choice.when, *(guard.unless for guard in choice.guards)]


class _Tables:
    """Builds the tables of one wave after another."""

    def __init__(self, space: SearchSpace, choices: Sequence[Choice]) -> None:
        self._space = space
        self._choices = choices
        self._width = 1 + max((len(c.options) for c in choices), default=0)
        self.column = {c.name: i for i, c in enumerate(choices)}

    def wave(self, members: list[int]) -> Wave:
        choices = [self._choices[i] for i in members]
        defaults = np.array([c.index(c.default) for c in choices])
        conditions = range(max(len(c.when) for c in choices))
        guards = range(max(len(c.guards) for c in choices))
        return Wave(
            np.array(members),
            defaults,
            tuple(self._gate(members, [_at(c.when, k) for c in choices], missing=True) for k in conditions),
            tuple(self._closing(members, k) for k in guards),
        )

    def _closing(self, members: list[int], k: int) -> Closing:
        choices = [self._choices[i] for i in members]
        guards = [_at(choice.guards, k) for choice in choices]
        pairs = list(zip(choices, guards, strict=True))
        closed = [Condition(c.name, g.closed) if g else None for c, g in pairs]
        unless = [g.unless if g else None for g in guards]
        return Closing(
            self._gate(members, closed, missing=False),
            self._gate(members, unless, missing=True),
            np.array([c.index(g.fallback) if g else -1 for c, g in pairs]),
        )

    def _gate(self, members: list[int], conditions: list[Condition | None], *, missing: bool) -> Gate:
        """One condition a member; ``missing`` is what holds for a member that has none."""
        columns, opens = np.array(members), np.full((len(members), self._width), missing)
        for place, condition in enumerate(conditions):
            if condition is None:
                continue
            parent = self.column.get(condition.parent)
            if parent is None:  # a choice with one option
                opens[place] = self._space.by_name[condition.parent].default in condition.values
                continue
            choice = self._choices[parent]
            columns[place] = parent
            opens[place] = False
            opens[place, [1 + choice.index(v) for v in condition.values if v in choice.options]] = True
        return Gate(columns, opens.ravel(), self._width * np.arange(len(members)) + 1)


def _at(items: Sequence[_Item], k: int) -> _Item | None:
    return items[k] if k < len(items) else None
