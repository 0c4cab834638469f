"""Points of a space as rows of integers, so that thousands are repaired and costed at once."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autocompress.space import Choice, Condition, Point, SearchSpace, Value

Rows = npt.NDArray[np.int64]  # [n_points, n_choices]; option index, or -1 where the choice is inactive


class Encoding:
    """Rows over the free choices of ``space``, in its order; choices with one option are left out."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.choices: tuple[Choice, ...] = space.free
        self.column = {c.name: i for i, c in enumerate(self.choices)}
        self.n_options = np.array([len(c.options) for c in self.choices])
        self._defaults = np.array([c.index(c.default) for c in self.choices])

    def encode(self, point: Point) -> Rows:
        """The row of ``point``; shape [n_choices]."""
        return np.array([c.index(point[c.name]) if c.name in point else -1 for c in self.choices])

    def decode(self, row: Rows) -> dict[str, Value]:
        """The point of a repaired ``row``."""
        chosen = {c.name: c.options[int(i)] for c, i in zip(self.choices, row, strict=True) if i >= 0}
        return self.space.repair(chosen)

    @cached_property
    def teacher(self) -> Rows:
        return self.encode(self.space.default)

    def random(self, count: int, generator: np.random.Generator) -> Rows:
        """``count`` repaired rows with every option drawn evenly."""
        return self.repair(generator.integers(0, self.n_options, size=(count, len(self.choices))))

    def repair(self, rows: Rows) -> Rows:
        """Rows inside the space: quotas kept, conditions and guards obeyed."""
        fixed = self._quotas(rows.copy())
        for i, choice in enumerate(self.choices):
            active = self._active(choice, fixed)
            fixed[:, i] = np.where(active, np.where(fixed[:, i] < 0, self._defaults[i], fixed[:, i]), -1)
            for guard in choice.guards:
                closed = np.isin(fixed[:, i], [choice.index(v) for v in guard.closed])
                shut = closed & ~self._holds(guard.unless, fixed)
                fixed[shut, i] = choice.index(guard.fallback)
        return fixed

    def settle(self, rows: Rows) -> Rows:
        """Rows with conditions obeyed and nothing else: what a cost can be counted of."""
        settled = rows.copy()
        for i, choice in enumerate(self.choices):
            value = np.where(settled[:, i] < 0, self._defaults[i], settled[:, i])
            settled[:, i] = np.where(self._active(choice, settled), value, -1)
        return settled

    def indices(self, name: str, values: Sequence[Value]) -> list[int]:
        """Option indices of ``values`` in the choice ``name``."""
        choice = self.choices[self.column[name]]
        return [choice.index(v) for v in values if v in choice.options]

    def _active(self, choice: Choice, rows: Rows) -> npt.NDArray[np.bool_]:
        active = np.ones(len(rows), dtype=bool)
        for condition in choice.when:
            active &= self._holds(condition, rows)
        return active

    def _holds(self, condition: Condition, rows: Rows) -> npt.NDArray[np.bool_]:
        if condition.parent in self.column:
            open_options = self.indices(condition.parent, condition.values)
            return np.asarray(np.isin(rows[:, self.column[condition.parent]], open_options))
        only = self.space.by_name[condition.parent].default  # a choice with one option
        return np.full(len(rows), only in condition.values)

    def _quotas(self, rows: Rows) -> Rows:
        """Set the first choices that broke a quota back until it holds."""
        for quota in self.space.quotas:
            columns = [self.column[n] for n in quota.choices if n in self.column]
            kept = np.array([self.choices[i].index(quota.value) for i in columns])
            broken = (rows[:, columns] != kept) & (rows[:, columns] >= 0)
            missing = quota.minimum - (len(quota.choices) - broken.sum(axis=1))
            restored = broken & (np.cumsum(broken, axis=1) <= missing[:, None])
            rows[:, columns] = np.where(restored, kept, rows[:, columns])
        return rows
