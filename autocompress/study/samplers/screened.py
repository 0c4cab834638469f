"""Single decisions measured first, and the solver's own front over what they lost."""

from collections.abc import Sequence

from autocompress.study.cost import fit_costs
from autocompress.study.encoding import Encoding, Rows
from autocompress.study.program import Quality
from autocompress.study.samplers.sampler import Proposal, SamplerContext
from autocompress.study.screening import Screen, believed, screens
from autocompress.study.solver import BudgetSolver, Solution
from autocompress.study.uniform import uniform_rows

_SCREEN_SHARE = 0.35  # of the budget, for measuring single decisions
_SWEEP_STEPS = 3  # budgets a cost column that the solver answers


class Screened:
    """What of a task is free, what single decisions to measure, and what the solver makes of them."""

    def __init__(self, context: SamplerContext) -> None:
        self.encoding = Encoding(context.space)
        self.cost = fit_costs(self.encoding, context.task, context.evaluate)
        keys = [o.key for o in context.task.objectives]
        self.free = [keys.index(c.name) for c in self.cost.columns if c.limit is None]
        self.believed = [i for i in range(len(keys)) if i not in self.free]
        self._first, self._later = screens(self.cost, max(4, int(_SCREEN_SHARE * context.trials)))

    def opening(self) -> list[Proposal]:
        """The teacher, what one would try by hand, and the first screens.

        All run even where they break a bound, to learn from them. Where the teacher breaks one, a point that
        holds them all comes second: screens can take minutes, and a search that is stopped among them shall
        not say that nothing fits.
        """
        decode = self.encoding.decode
        teacher = Proposal(decode(self.encoding.teacher), "teacher", always=True)
        by_hand = [Proposal(decode(row), "uniform", always=True) for row in uniform_rows(self.cost)]
        return [teacher, *self._within(), *by_hand, *self._proposed(self._first)]

    def later_screens(self) -> list[Proposal]:
        """Those of choices one by one, after their families. How many the time allows nobody knows before."""
        return self._proposed(self._later)

    def _proposed(self, screened: list[Screen]) -> list[Proposal]:
        return [Proposal(self.encoding.decode(s.row), "screen", always=True) for s in screened]

    @property
    def bounded(self) -> bool:
        """Whether the teacher breaks a bound on what is free."""
        base = dict(zip((c.name for c in self.cost.columns), map(float, self.cost.base), strict=True))
        return any(base[name] > limit for name, limit in self._limits.items())

    def _within(self) -> list[Proposal]:
        if not self.bounded:
            return []
        solver = BudgetSolver(self.cost, believed(self.encoding, [], []))
        found = solver.solve(self._limits)
        return [Proposal(found.point, "solver")] if isinstance(found, Solution) else []

    def table(self, rows: Sequence[Rows], losses: Sequence[tuple[float, ...]], objective: int) -> Quality:
        """Loss of single decisions, from the screens measured so far."""
        by_row = {r.tobytes(): loss[objective] for r, loss in zip(rows, losses, strict=True)}
        known = [s for s in (*self._first, *self._later) if s.row.tobytes() in by_row]
        return believed(self.encoding, known, [by_row[s.row.tobytes()] for s in known])

    def answers(self, table: Quality) -> list[Rows]:
        """The solver's answers to a grid of budgets within the bounds."""
        names = tuple(c.name for c in self.cost.columns if c.limit is None)[:2]
        return [s.row for s in BudgetSolver(self.cost, table).sweep(names, _SWEEP_STEPS, self._limits)]

    @property
    def _limits(self) -> dict[str, float]:
        return {c.name: c.limit for c in self.cost.columns if c.limit is not None}
