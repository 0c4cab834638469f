"""The linear program behind the budget solver: its variables, its rules, and the way back to a point.

x[c, o] is 1 when the shared choice c takes option o; y[f, j] is 1 when factor f has joint option j. A
factor's y sums to its shared members' x (the local polytope of Wainwright and Jordan, 2008), so that costs
which multiply (width times bits) stay linear. A choice of one factor only has no x: it lives in y, where
joint options that are nowhere better than another are left out.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array

from autocompress.objectives import front_mask
from autocompress.space import Choice, Condition, Value
from autocompress.study.cost import CostModel, Factor
from autocompress.study.encoding import Encoding, Rows

Floats = npt.NDArray[np.float64]
Quality = list[Floats]  # for each choice, the loss of each of its options


@dataclass(frozen=True)
class Block:
    """One factor in the program: its joint options, what they cost and lose, and where its y start."""

    members: tuple[int, ...]
    joint: Rows  # [n_joint, n_members]
    costs: Floats = field(repr=False)  # [n_joint, n_columns]
    loss: Floats = field(repr=False)  # [n_joint], of the private members
    start: int


class Program:
    """Variables and rules; limits are added by whoever solves it."""

    def __init__(self, cost: CostModel, quality: Quality) -> None:
        self.encoding = cost.encoding
        self.shared = _shared(cost)
        self._start = self._shared_starts()
        self.n_x = sum(len(self.encoding.choices[i].options) for i in self.shared)
        self.blocks = self._blocks(cost, quality)
        self.size = self.n_x + sum(len(b.joint) for b in self.blocks)
        self.loss = np.concatenate([*(quality[i] for i in self.shared), *(b.loss for b in self.blocks)])
        self.costs = csr_array(
            np.concatenate([np.zeros((self.n_x, len(cost.columns))), *(b.costs for b in self.blocks)]).T
        )
        self.rules, self.lower, self.upper = self._rules()
        self.integral = np.concatenate([np.ones(self.n_x), *(self._whole(b) for b in self.blocks)])

    def row(self, x: Floats) -> Rows:
        """Option indices of a solution."""
        row = np.full(len(self.encoding.choices), -1, dtype=np.int64)
        for block in self.blocks:
            taken = int(np.argmax(x[block.start : block.start + len(block.joint)]))
            row[list(block.members)] = block.joint[taken]
        return row

    def _shared_starts(self) -> dict[int, int]:
        sizes = [len(self.encoding.choices[i].options) for i in self.shared]
        return dict(zip(self.shared, np.cumsum([0, *sizes])[:-1].tolist(), strict=True))

    def _blocks(self, cost: CostModel, quality: Quality) -> list[Block]:
        blocks: list[Block] = []
        start = self.n_x
        for factor in cost.factors:
            block = self._block(factor, quality, start)
            blocks.append(block)
            start += len(block.joint)
        return blocks

    def _block(self, factor: Factor, quality: Quality, start: int) -> Block:
        open_ = ~_closed(self.encoding, factor)
        joint = factor.valid[open_]
        costs = factor.lookup_joint(joint)
        private = [p for p, i in enumerate(factor.members) if i not in self._start]
        loss = sum((_losses(quality[factor.members[p]], joint[:, p]) for p in private), np.zeros(len(joint)))
        shared = [p for p in range(len(factor.members)) if p not in private]
        useful = _useful(joint[:, shared], np.column_stack([costs, loss]))
        return Block(factor.members, joint[useful], costs[useful], loss[useful], start)

    def _whole(self, block: Block) -> Floats:
        """A block's y are whole by themselves once its x are, unless it has private choices."""
        private = any(i not in self._start for i in block.members)
        return np.full(len(block.joint), float(private))

    def _rules(self) -> tuple[csr_array, Floats, Floats]:
        rules = _Rules(self.size)
        for i in self.shared:
            self._choice_rules(i, rules)
        for quota in self.encoding.space.quotas:
            names = [n for n in quota.choices if n in self.encoding.column]
            rules.add([(self._at(n, quota.value), 1.0) for n in names], quota.minimum, np.inf)
        for block in self.blocks:
            self._block_rules(block, rules)
        return rules.matrix(), np.array(rules.lower), np.array(rules.upper)

    def _choice_rules(self, i: int, rules: "_Rules") -> None:
        """One option a root, one option an active child, no closed option."""
        choice = self.encoding.choices[i]
        own = [(self._start[i] + o, 1.0) for o in range(len(choice.options))]
        parents = [t for c in choice.when for t in self._condition(c)]
        needed = 0.0 if parents else 1.0
        rules.add(own + [(t, -1.0) for t in parents], needed, needed)
        for guard in choice.guards:
            opens = [(t, -1.0) for t in self._condition(guard.unless)]
            for value in guard.closed:
                rules.add([(self._start[i] + choice.index(value), 1.0), *opens], -np.inf, 0.0)

    def _block_rules(self, block: Block, rules: "_Rules") -> None:
        """One joint option, and every shared member as its joint option says."""
        rules.add([(block.start + j, 1.0) for j in range(len(block.joint))], 1.0, 1.0)
        for position, i in enumerate(block.members):
            for option in range(len(self.encoding.choices[i].options)) if i in self._start else ():
                joint = np.flatnonzero(block.joint[:, position] == option)
                terms = [(block.start + int(j), 1.0) for j in joint]
                rules.add([*terms, (self._start[i] + option, -1.0)], 0.0, 0.0)

    def _condition(self, condition: Condition) -> list[int]:
        """The x of the options that open it; none for a choice with one option, which is always taken."""
        if condition.parent not in self.encoding.column:
            return []
        options = self.encoding.space.by_name[condition.parent].options
        return [self._at(condition.parent, v) for v in condition.values if v in options]

    def _at(self, name: str, value: Value) -> int:
        i = self.encoding.column[name]
        return self._start[i] + self.encoding.choices[i].index(value)


def _shared(cost: CostModel) -> tuple[int, ...]:
    """Choices that several factors, a quota, a distant guard or a distant condition look at."""
    encoding = cost.encoding
    uses = np.bincount([i for f in cost.factors for i in f.members], minlength=len(encoding.choices))
    shared = set(np.flatnonzero(uses > 1).tolist())
    shared |= {encoding.column[n] for q in encoding.space.quotas for n in q.choices if n in encoding.column}
    home = {i: set(f.members) for f in cost.factors for i in f.members}
    for i, choice in enumerate(encoding.choices):
        for condition in _looks_at(choice):
            parent = encoding.column.get(condition.parent)
            if parent is not None and (parent not in home[i] or uses[i] > 1):
                shared |= {parent, i}
    return tuple(sorted(_with_parents(encoding, shared)))


def _with_parents(encoding: Encoding, shared: set[int]) -> set[int]:
    """And whatever opens or closes them: a choice with variables of its own has rules on its parents'."""
    parents = {
        encoding.column[condition.parent]
        for i in shared
        for condition in _looks_at(encoding.choices[i])
        if condition.parent in encoding.column
    }
    return shared if parents <= shared else _with_parents(encoding, shared | parents)


def _looks_at(choice: Choice) -> list[Condition]:
    return [*choice.when, *(guard.unless for guard in choice.guards)]


def _closed(encoding: Encoding, factor: Factor) -> npt.NDArray[np.bool_]:
    """Joint options that a guard within the factor closes."""
    closed = np.zeros(len(factor.valid), dtype=bool)
    position = {i: p for p, i in enumerate(factor.members)}
    for i, p in position.items():
        for guard in encoding.choices[i].guards:
            parent = position.get(encoding.column.get(guard.unless.parent, -1))
            if parent is None:
                continue
            shut = np.isin(factor.valid[:, p], [encoding.choices[i].index(v) for v in guard.closed])
            opened = np.isin(
                factor.valid[:, parent], encoding.indices(guard.unless.parent, guard.unless.values)
            )
            closed |= shut & ~opened
    return closed


def _useful(shared: Rows, criteria: Floats) -> npt.NDArray[np.int64]:
    """Rows that no other row with the same shared members beats in every cost and in loss."""
    kept: list[npt.NDArray[np.int64]] = []
    _, group = np.unique(shared, axis=0, return_inverse=True)
    for value in range(int(group.max(initial=-1)) + 1):
        rows = np.flatnonzero(group == value)
        kept.append(rows[front_mask(np.round(criteria[rows], 12))])
    return np.sort(np.concatenate(kept))


def _losses(quality: Floats, options: Rows) -> Floats:
    return np.where(options >= 0, quality[np.maximum(options, 0)], 0.0)


class _Rules:
    """Rows of a sparse constraint matrix, collected one by one."""

    def __init__(self, width: int) -> None:
        self.lower: list[float] = []
        self.upper: list[float] = []
        self._width = width
        self._entries: list[tuple[int, int, float]] = []

    def add(self, terms: list[tuple[int, float]], lower: float, upper: float) -> None:
        row = len(self.lower)
        self._entries += [(row, column, value) for column, value in terms]
        self.lower.append(lower)
        self.upper.append(upper)

    def matrix(self) -> csr_array:
        rows, columns, values = zip(*self._entries, strict=True)
        return coo_array((values, (rows, columns)), shape=(len(self.lower), self._width)).tocsr()
