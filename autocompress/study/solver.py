"""The budget solver: the least loss of quality within bytes and seconds, by ``scipy.optimize.milp``."""

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import coo_array, csr_array, hstack

from autocompress.space import Value
from autocompress.study.cost import CostModel
from autocompress.study.encoding import Rows
from autocompress.study.program import Floats, Program, Quality

_GAP = 1e-2  # relative optimality gap: far below the error of an additive table
_PRICE_GAP = 5e-2  # of the loss at which a relaxed budget could be met: a price needs no third digit
_NODES = 2000  # a limit in nodes, not in seconds: the same tables give the same answer on any machine


@contextmanager
def _stdout_kept() -> Iterator[None]:
    """HiGHS 1.12 prints a line to the process's standard output whatever it is told (its issue 2783).

    That belongs to ``--json``, so the line is dropped; out of C's buffer, too, which would be written later.
    """
    sys.stdout.flush()
    _flush_c()
    saved, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        _flush_c()
        os.dup2(saved, 1)
        os.close(saved)
        os.close(nowhere)


def _flush_c() -> None:
    with suppress(OSError, TypeError, AttributeError):  # no C library to be found by this name
        ctypes.CDLL(None).fflush(None)


def _milp(
    vector: Floats, integral: Floats, bounds: Bounds, rules: list[LinearConstraint], gap: float = _GAP
) -> OptimizeResult:
    options = {"mip_rel_gap": gap, "node_limit": _NODES}
    with _stdout_kept():
        return milp(vector, integrality=integral, bounds=bounds, constraints=rules, options=options)


@dataclass(frozen=True)
class Solution:
    """A point, its costs by column and its loss of quality, all as the tables predict them."""

    point: Mapping[str, Value]
    row: Rows = field(repr=False)
    costs: Mapping[str, float]
    quality_loss: float


@dataclass(frozen=True)
class Relaxation:
    """How far one limit must move alone so that the others can be met, and the loss of quality there.

    ``needed`` is None when moving this one alone is not enough.
    """

    column: str
    limit: float
    needed: float | None
    quality_loss: float | None


@dataclass(frozen=True)
class Infeasible:
    """No point holds the limits: those that bind, the nearest point, and the price of relaxing each."""

    binding: tuple[str, ...]
    nearest: Solution
    prices: tuple[Relaxation, ...]


class BudgetSolver:
    """Answers any limits over the columns of ``cost`` for the additive loss ``quality``."""

    def __init__(self, cost: CostModel, quality: Quality) -> None:
        self.cost = cost
        self.quality = quality
        self.program = Program(cost, quality)
        self._names = [c.name for c in cost.columns]

    def solve(self, limits: Mapping[str, float]) -> Solution | Infeasible:
        """The least loss of quality within ``limits`` (by column name), or why there is none."""
        found = self._minimise(self.program.loss, limits)
        return self._solution(found) if found is not None else self._explain(limits)

    def least(self, column: str, limits: Mapping[str, float]) -> Solution | None:
        """The smallest value of ``column`` within ``limits``."""
        vector = self.program.costs[[self._names.index(column)]].toarray()[0]
        found = self._minimise(vector / (np.abs(vector).max() or 1.0), limits)
        return None if found is None else self._solution(found)

    def sweep(self, columns: tuple[str, ...], steps: int, limits: Mapping[str, float]) -> list[Solution]:
        """The model's own front: answers on a grid of budgets from each column's least to the teacher's."""
        ends = [self.least(c, limits) for c in columns]
        if any(end is None for end in ends):
            return []
        grids = [self._grid(c, end, steps, limits) for c, end in zip(columns, ends, strict=True) if end]
        answers: dict[bytes, Solution] = {}
        for budget in np.stack([g.ravel() for g in np.meshgrid(*grids, indexing="ij")], axis=1):
            found = self._minimise(self.program.loss, dict(limits) | dict(zip(columns, budget, strict=True)))
            if found is not None:
                answers.setdefault(found.tobytes(), self._solution(found))
        return list(answers.values())

    def _grid(self, column: str, end: Solution, steps: int, limits: Mapping[str, float]) -> Floats:
        least = end.costs[column]
        most = min(float(self.cost.base[self._names.index(column)]), limits.get(column, np.inf))
        return np.geomspace(least * 1.02, max(most, least * 1.03), steps)

    def _minimise(self, vector: Floats, limits: Mapping[str, float], gap: float = _GAP) -> Rows | None:
        program = self.program
        rules = [LinearConstraint(program.rules, program.lower, program.upper)]
        if limits:
            matrix, room = self._room(limits)
            rules.append(LinearConstraint(matrix, -np.inf, room))
        found = _milp(vector, program.integral, Bounds(0, 1), rules, gap)
        return None if found.x is None else program.row(found.x)

    def _room(self, limits: Mapping[str, float]) -> tuple[csr_array, Floats]:
        """Rows of costs and what the teacher leaves of each limit, both relative to the limit."""
        picked = [self._names.index(name) for name in limits]
        allowed = np.array(list(limits.values()), dtype=np.float64)
        scale = np.maximum(np.abs(allowed), 1e-12)
        matrix = csr_array(self.program.costs[picked].multiply(1.0 / scale[:, None]))
        return matrix, (allowed - self.cost.base[picked]) / scale

    def _solution(self, row: Rows) -> Solution:
        costs = self.cost.costs(row[None, :])[0]
        loss = sum(float(q[o]) for q, o in zip(self.quality, row, strict=True) if o >= 0)
        named = dict(zip(self._names, map(float, costs), strict=True))
        return Solution(self.cost.encoding.decode(row), row, named, loss)

    def _explain(self, limits: Mapping[str, float]) -> Infeasible:
        nearest = self._nearest(limits)
        binding = tuple(n for n, limit in limits.items() if nearest.costs[n] > limit * (1 + 1e-9))
        return Infeasible(binding, nearest, tuple(self._price(name, limits) for name in limits))

    def _price(self, name: str, limits: Mapping[str, float]) -> Relaxation:
        """The least of one column within the other limits, and the quality to be had there."""
        others = {k: v for k, v in limits.items() if k != name}
        best = self.least(name, others)
        if best is None:
            return Relaxation(name, limits[name], None, None)
        needed = best.costs[name]
        relaxed = self._minimise(self.program.loss, others | {name: needed * (1 + 1e-6)}, _PRICE_GAP)
        loss = best.quality_loss if relaxed is None else self._solution(relaxed).quality_loss
        return Relaxation(name, limits[name], needed, loss)

    def _nearest(self, limits: Mapping[str, float]) -> Solution:
        """The point with the least sum of relative excess: one slack variable a limit."""
        program, count = self.program, len(limits)
        matrix, room = self._room(limits)
        slack = coo_array((-np.ones(count), (range(count), range(count))), shape=(count, count))
        nothing = coo_array((len(program.lower), count))
        rules = [
            LinearConstraint(csr_array(hstack([program.rules, nothing])), program.lower, program.upper),
            LinearConstraint(csr_array(hstack([matrix, slack])), -np.inf, room),
        ]
        ones = np.ones(program.size)
        vector = np.concatenate([1e-6 * program.loss, np.ones(count)])
        integral = np.concatenate([program.integral, np.zeros(count)])
        bounds = Bounds(0, np.concatenate([ones, np.full(count, np.inf)]))
        found = _milp(vector, integral, bounds, rules)
        return self._solution(program.row(found.x))
