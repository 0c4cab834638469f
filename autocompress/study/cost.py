"""Bytes and seconds of every candidate as a sum of small tables, filled from the free rung.

A factor is a set of choices whose costs depend on each other (``[[cost]]`` in the space). Its table is exact
when only its own choices leave the teacher; the sum is exact when no cost crosses factors, and ``error``
says how nearly. What crosses them (a smaller step fits a nearer cache, whatever made it smaller) is shared
out: the tables are scaled by what random candidates save of each cost beyond their sums.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from autocompress.errors import SpaceError
from autocompress.objectives import Constraint, Measurement, Objective
from autocompress.study.encoding import Encoding, Rows
from autocompress.study.evaluation import Evaluate, Evaluation, Task

Costs = npt.NDArray[np.float64]  # [n_points, n_columns]
_LARGEST_TABLE = 20_000
_PROBES = 3  # combinations that two like layers must agree on before one table serves both


@dataclass(frozen=True)
class Column:
    """One cost: an objective that is free (``limit`` is None), or a bound on a free quantity."""

    name: str
    read: Callable[[Evaluation], float]
    limit: float | None = None


@dataclass(frozen=True)
class Factor:
    """Columns of the row that it reads, and its table over their options (index 0: inactive)."""

    members: tuple[int, ...]
    table: Costs = field(repr=False)  # [prod(n_options + 1), n_columns]
    shape: tuple[int, ...]
    valid: Rows = field(repr=False)  # [n_joint, n_members], each a joint choice that can occur

    def lookup(self, rows: Rows) -> Costs:
        """Costs of whole rows."""
        return self.lookup_joint(rows[:, list(self.members)])

    def lookup_joint(self, joint: Rows) -> Costs:
        """Costs of joint options of the members."""
        return np.asarray(self.table[np.ravel_multi_index(tuple((joint + 1).T), self.shape)])


@dataclass(frozen=True)
class CostModel:
    """``base`` is the teacher's own cost; ``error`` the largest relative error seen on random candidates."""

    encoding: Encoding
    columns: tuple[Column, ...]
    base: npt.NDArray[np.float64]  # [n_columns]
    factors: tuple[Factor, ...]
    error: float = 0.0

    def costs(self, rows: Rows) -> Costs:
        """Cost of each row."""
        places = (rows + 1.0) @ self._strides + self._starts  # [n_rows, n_factors], whole numbers
        changes = self._tables[places.T.astype(np.int64)]  # [n_factors, n_rows, n_columns]
        return np.asarray(np.concatenate([np.tile(self.base, (1, len(rows), 1)), changes]).sum(axis=0))

    @cached_property
    def _tables(self) -> Costs:
        """Every factor's table, one below the other."""
        return np.concatenate([np.empty((0, len(self.base))), *(f.table for f in self.factors)])

    @cached_property
    def _starts(self) -> Costs:
        """Where each factor's table begins; [n_factors]."""
        return np.cumsum([0.0, *(len(f.table) for f in self.factors)])[:-1]

    @cached_property
    def _strides(self) -> Costs:
        """A row's place in the table of each factor is a sum over its members; [n_choices, n_factors]."""
        strides = np.zeros((len(self.encoding.choices), len(self.factors)))
        for f, factor in enumerate(self.factors):
            strides[list(factor.members), f] = [
                prod(factor.shape[k:]) for k in range(1, len(factor.shape) + 1)
            ]
        return strides


def free_columns(task: Task, free: Evaluation) -> tuple[Column, ...]:
    """The objectives and bounds that the free rung measures, each as something to keep low."""
    objectives = [Column(o.key, _reads(o)) for o in task.objectives if o.key in free.measurements]
    bounds = [_bound(c) for c in task.constraints if c.key in free.measurements]
    return (*objectives, *bounds)


def fit_costs(encoding: Encoding, task: Task, evaluate: Evaluate, seed: int = 0) -> CostModel:
    """Fill the tables by calling the free rung once for every joint option of every factor."""
    columns = free_columns(task, evaluate(encoding.space.candidate({}), "free", seed))
    meter = _Meter(encoding, columns, evaluate, seed)
    base = meter.measure(encoding.teacher[None, :])[0]
    factors: list[Factor] = []
    families: dict[object, tuple[Rows, Costs]] = {}
    for names in encoding.space.factors:
        members = _with_parents(encoding, [encoding.column[n] for n in names])
        factors.append(_factor(members, meter, base, factors, families))
    model = CostModel(encoding, columns, base, tuple(factors))
    probes = encoding.random(24, np.random.default_rng(seed))
    seen = meter.measure(probes)
    model = _scaled(model, model.costs(probes), seen)
    error = np.abs(model.costs(probes) - seen).max(axis=0) / np.abs(seen).max(axis=0)
    return replace(model, error=float(error.max(initial=0.0)))


def _scaled(model: CostModel, sums: Costs, seen: Costs) -> CostModel:
    """``model`` whose tables save what the candidates did, at the median; the teacher's cost stays exact."""
    saved, summed = model.base - seen, model.base - sums
    told = np.abs(summed) > 0.1 * np.abs(model.base)
    ratio = np.where(told, saved / np.where(told, summed, 1.0), np.nan)
    known = told.any(axis=0)
    scale = np.ones(len(model.base))
    scale[known] = np.nanmedian(ratio[:, known], axis=0)
    scale[np.isclose(scale, 1.0, rtol=1e-6)] = 1.0  # what does add up stays as it was counted
    factors = tuple(replace(f, table=f.table * scale) for f in model.factors)
    return replace(model, factors=factors)


def _with_parents(encoding: Encoding, members: list[int]) -> tuple[int, ...]:
    """The members and whatever decides whether they are active."""
    every = set(members)
    for i in sorted(members, reverse=True):
        every |= {encoding.column[c.parent] for c in encoding.choices[i].when if c.parent in encoding.column}
    return tuple(sorted(every)) if len(every) == len(members) else _with_parents(encoding, sorted(every))


class _Meter:
    """The free rung over rows, each measured once."""

    def __init__(
        self, encoding: Encoding, columns: tuple[Column, ...], evaluate: Evaluate, seed: int
    ) -> None:
        self.encoding = encoding
        self.columns = columns
        self._evaluate = evaluate
        self._seed = seed
        self._known: dict[bytes, list[float]] = {}

    def measure(self, rows: Rows) -> Costs:
        return np.array([self._one(row) for row in rows]).reshape(len(rows), len(self.columns))

    def _one(self, row: Rows) -> list[float]:
        key = row.tobytes()
        if key not in self._known:
            point = {
                c.name: c.options[int(i)] for c, i in zip(self.encoding.choices, row, strict=True) if i >= 0
            }
            free = self._evaluate(self.encoding.space.unguarded(point), "free", self._seed)
            self._known[key] = [column.read(free) for column in self.columns]
        return self._known[key]


def _factor(
    members: tuple[int, ...],
    meter: _Meter,
    base: npt.NDArray[np.float64],
    earlier: list[Factor],
    families: dict[object, tuple[Rows, Costs]],
) -> Factor:
    encoding = meter.encoding
    joint = _joint_options(encoding, members)
    rows = np.repeat(encoding.teacher[None, :], len(joint), axis=0)
    rows[:, list(members)] = joint
    rows = encoding.settle(rows)
    possible = (rows[:, list(members)] == joint).all(axis=1)
    rows, joint = rows[possible], joint[possible]
    change = _measured(encoding, members, rows, joint, meter, families) - base
    for factor in earlier:  # what earlier factors already explain of these rows
        change = change - factor.lookup(rows)
    shape = tuple(int(n) + 1 for n in encoding.n_options[list(members)])
    table = np.full((int(np.prod(shape)), len(base)), np.nan)
    table[np.ravel_multi_index(tuple((joint + 1).T), shape)] = change
    return Factor(members, table, shape, joint)


def _joint_options(encoding: Encoding, members: tuple[int, ...]) -> Rows:
    """Every combination of the members' options, -1 (inactive) included; shape [n, n_members]."""
    conditional = [bool(encoding.choices[i].when) for i in members]
    ranges = [range(-c, int(encoding.n_options[i])) for i, c in zip(members, conditional, strict=True)]
    count = int(np.prod([len(r) for r in ranges]))
    if count > _LARGEST_TABLE:
        names = [encoding.choices[i].name for i in members]
        raise SpaceError(f"a [[cost]] set of {encoding.space.name} has {count} joint options: {names}")
    return np.stack([g.ravel() for g in np.meshgrid(*ranges, indexing="ij")], axis=1).astype(np.int64)


def _measured(
    encoding: Encoding,
    members: tuple[int, ...],
    rows: Rows,
    joint: Rows,
    meter: _Meter,
    families: dict[object, tuple[Rows, Costs]],
) -> Costs:
    """Costs of ``rows``; a layer that is like an earlier one borrows its table after a few probes agree."""
    key = tuple((re.sub(r"\d+", "#", encoding.choices[i].name), encoding.choices[i].options) for i in members)
    if key in families and np.array_equal(families[key][0], joint):
        probes = np.random.default_rng(len(rows)).integers(0, len(rows), _PROBES)
        borrowed = families[key][1]
        if np.allclose(meter.measure(rows[probes]), borrowed[probes], rtol=1e-9, atol=0.0):
            return borrowed
    costs = meter.measure(rows)
    families[key] = (joint, costs)
    return costs


def _reads(objective: Objective) -> Callable[[Evaluation], float]:
    return lambda free: objective.loss(_seen(free, objective.key).value)


def _bound(constraint: Constraint) -> Column:
    sign = 1.0 if constraint.side == "max" else -1.0

    def read(free: Evaluation) -> float:
        seen = _seen(free, constraint.key)
        bound = seen.upper if constraint.side == "max" else seen.lower
        return sign * bound(constraint.confidence)

    return Column(f"{constraint.key}:{constraint.side}", read, sign * constraint.limit)


def _seen(free: Evaluation, key: str) -> Measurement:
    return free.measurements[key]
