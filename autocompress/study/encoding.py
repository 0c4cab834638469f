"""Points of a space as rows of integers, so that thousands are repaired and costed at once."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from autocompress.space import Choice, Point, Quota, SearchSpace, Value
from autocompress.study.waves import Rows, waves

__all__ = ["Encoding", "Rows"]


class Encoding:
    """Rows over the free choices of ``space``, in its order; choices with one option are left out."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.choices: tuple[Choice, ...] = space.free
        self.column = {c.name: i for i, c in enumerate(self.choices)}
        self.n_options = np.array([len(c.options) for c in self.choices])
        self._waves = waves(space, self.choices)
        self._kept = [_kept(quota, self.column, self.choices) for quota in space.quotas]

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
        for wave in self._waves:
            wave.settle(fixed, guarded=True)
        return fixed

    def settle(self, rows: Rows) -> Rows:
        """Rows with conditions obeyed and nothing else: what a cost can be counted of."""
        settled = rows.copy()
        for wave in self._waves:
            wave.settle(settled, guarded=False)
        return settled

    def indices(self, name: str, values: Sequence[Value]) -> list[int]:
        """Option indices of ``values`` in the choice ``name``."""
        choice = self.choices[self.column[name]]
        return [choice.index(v) for v in values if v in choice.options]

    def _quotas(self, rows: Rows) -> Rows:
        """Set the first choices that broke a quota back until it holds."""
        for quota, (columns, kept) in zip(self.space.quotas, self._kept, strict=True):
            broken = (rows[:, columns] != kept) & (rows[:, columns] >= 0)
            missing = quota.minimum - (len(quota.choices) - broken.sum(axis=1))
            restored = broken & (np.cumsum(broken, axis=1) <= missing[:, None])
            rows[:, columns] = np.where(restored, kept, rows[:, columns])
        return rows


def _kept(quota: Quota, column: Mapping[str, int], choices: Sequence[Choice]) -> tuple[Rows, Rows]:
    """Columns of the quota's choices, and the option of each that the quota counts."""
    columns = np.array([column[n] for n in quota.choices if n in column], dtype=np.int64)
    return columns, np.array([choices[i].index(quota.value) for i in columns], dtype=np.int64)
