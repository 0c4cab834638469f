"""Our own sampler: single decisions first, then the solver's points, then whatever promises most hypervolume.

Size and speed of any candidate are known from the cost tables without running it, so only the loss of
quality has to be believed: a proposal is the candidate with the largest expected gain of hypervolume under
that belief, out of a population evolved on it (the solver's answers are its first members).
"""

from collections import deque

import numpy as np

from autocompress.objectives import front_mask
from autocompress.space import Point
from autocompress.study.encoding import Rows
from autocompress.study.program import Floats
from autocompress.study.samplers.evolution import evolve, vary
from autocompress.study.samplers.gain import Gain
from autocompress.study.samplers.sampler import Outcome, Proposal, SamplerContext
from autocompress.study.samplers.screened import Screened
from autocompress.study.surrogate import Belief, Kernel, Surrogate

_BETWEEN = 12  # screens of single choices between two plans: stopped among them, a search has points to show
_POPULATION = 96
_GENERATIONS = 12
_SETTLED = 120  # measurements after which the last population is near enough: half the generations do
_BATCH = 40  # measurements for each proposal more of one plan
_MEMORY = 300  # measurements that the belief rests on: the front's neighbours and the newest


class SolverSampler:
    """A pure function of the seed and of what it was told: the same history gives the same proposal."""

    def __init__(self, context: SamplerContext) -> None:
        self._context = context
        self._screened = Screened(context)
        self._encoding = self._screened.encoding
        self._believed = self._screened.believed
        self._queue: deque[Proposal] = deque(self._screened.opening())
        self._later: deque[Proposal] = deque(self._screened.later_screens())
        self._rows: list[Rows] = []
        self._losses: list[tuple[float, ...]] = []
        self._open: list[bool] = []
        self._seen: set[bytes] = set()  # proposed or told
        self._told: set[bytes] = set()  # with losses
        self._population: Rows | None = None
        self._best: list[Rows] = []  # inside the bounds, at the last plan
        self._kernels: dict[int, Kernel] = {}
        self._kernel_age = 0

    def ask(self, number: int) -> Proposal:
        if not self._queue:
            self._queue.extend(self._plan(np.random.default_rng((self._context.seed, number))))
            self._queue.extend(self._later.popleft() for _ in range(min(_BETWEEN, len(self._later))))
        proposal = self._queue.popleft()
        self._seen.add(self._encoding.encode(proposal.point).tobytes())
        return proposal

    def tell(self, number: int, point: Point, outcome: Outcome) -> None:
        row = self._encoding.encode(point)
        self._seen.add(row.tobytes())
        if outcome.losses is None or not outcome.ran or row.tobytes() in self._told:
            return
        self._told.add(row.tobytes())
        self._rows.append(row)
        self._losses.append(outcome.losses)
        self._open.append(outcome.feasible)

    def _plan(self, generator: np.random.Generator) -> list[Proposal]:
        """The next few proposals: more at once as the history grows and one more result changes less."""
        rows, losses = np.array(self._rows), np.array(self._losses)
        if len(rows) < 2:
            return [Proposal(self._encoding.decode(r), "random") for r in self._encoding.random(1, generator)]
        models = self._models(rows, losses)
        start = self._start(generator)
        generations = _GENERATIONS if len(rows) < _SETTLED else _GENERATIONS // 2
        self._population = evolve(
            self._encoding, start, lambda r: self._predict(models, r), generator, generations, _POPULATION
        )
        found = [self._population, vary(self._encoding, start, 32, generator)]
        if self._screened.bounded:
            found.append(self._inside(models, start, generator))
        pool = self._fresh(np.concatenate(found))
        if len(pool) == 0:
            pool = self._fresh(self._encoding.random(64, generator))
        if len(pool) == 0:
            return [Proposal(self._encoding.decode(r), "random") for r in self._encoding.random(1, generator)]
        chosen = self._promising(models, pool, 1 + len(rows) // _BATCH)
        return [Proposal(self._encoding.decode(row), "solver") for row in chosen]

    def _models(self, rows: Rows, losses: Floats) -> dict[int, Surrogate]:
        """One belief for each objective that is not free; its kernel is chosen anew as the history grows."""
        kept = self._remembered(losses)
        renew = len(rows) >= 1.3 * self._kernel_age or len(rows) < 40
        models = {}
        for i in self._believed:
            quality = self._screened.table(self._rows, self._losses, i)
            kernel = None if renew else self._kernels.get(i)
            models[i] = Surrogate(self._encoding, quality, rows[kept], losses[kept, i], kernel)
            self._kernels[i] = models[i].kernel
        self._kernel_age = len(rows) if renew else self._kernel_age
        return models

    def _remembered(self, losses: Floats) -> Rows:
        if len(losses) <= _MEMORY:
            return np.arange(len(losses))
        front = np.flatnonzero(front_mask(losses))[-_MEMORY // 2 :]
        others = np.setdiff1d(np.arange(len(losses)), front)[-(_MEMORY - len(front)) :]
        return np.sort(np.concatenate([front, others]))

    def _start(self, generator: np.random.Generator) -> Rows:
        """The last population, the front so far, and at first the solver's own front."""
        front = np.array(self._rows)[front_mask(self._losses)]
        if self._population is not None:
            return np.concatenate([self._population, front])
        table = self._screened.table(self._rows, self._losses, self._believed[0])
        answers = [row[None] for row in self._screened.answers(table)]
        return np.concatenate([front, self._encoding.random(_POPULATION // 2, generator), *answers])

    def _inside(self, models: dict[int, Surrogate], start: Rows, generator: np.random.Generator) -> Rows:
        """Rows of the highest quality believed inside the bounds: an evolution on that alone.

        A population spread over the whole front has a handful of members at the end that is delivered.
        """
        ends = [self._believed[0], -1]
        parents = np.concatenate([start, *self._best])
        best = evolve(
            self._encoding,
            parents,
            lambda rows: self._predict(models, rows)[:, ends],
            generator,
            _GENERATIONS,
            _POPULATION // 2,
        )
        self._best = [best]
        return best

    def _predict(self, models: dict[int, Surrogate], rows: Rows) -> Floats:
        """Losses by objective, and the excess over the free bounds; [n, n_objectives + 1]."""
        return self._assemble(rows, {i: m.median_loss(rows) for i, m in models.items()})

    def _assemble(self, rows: Rows, beliefs: dict[int, Floats]) -> Floats:
        cost = self._screened.cost
        costs = cost.costs(rows)
        losses = np.zeros((len(rows), len(self._context.task.objectives) + 1))
        losses[:, self._screened.free] = costs[:, : len(self._screened.free)]
        for i, values in beliefs.items():
            losses[:, i] = values
        for column, spec in enumerate(cost.columns):
            if spec.limit is not None:
                over = (costs[:, column] - spec.limit) / (abs(spec.limit) or 1.0)
                losses[:, -1] += np.maximum(0.0, over)
        return losses

    def _fresh(self, rows: Rows) -> Rows:
        unique = np.unique(rows, axis=0)
        return unique[[row.tobytes() not in self._seen for row in unique]]

    def _promising(self, models: dict[int, Surrogate], pool: Rows, count: int) -> Rows:
        """The ``count`` rows with the largest expected gain of hypervolume, each given the ones before it.

        Under bounds that the teacher breaks, also half as many of which the highest quality is believed.
        """
        believed = self._believed[0]
        known = self._predict(models, pool)
        if (inside := known[:, -1] <= 0.0).any():
            pool, known = pool[inside], known[inside]
        belief = models[believed].believe(pool)
        gain = Gain(np.array(self._context.reference), believed)
        front = np.array([loss for loss, open_ in zip(self._losses, self._open, strict=True) if open_])
        front = front.reshape(-1, len(self._context.reference))
        chosen = gain.best(front, known[:, :-1], belief, count)
        if inside.any() and self._screened.bounded:
            # Hypervolume spreads over the whole front; what is delivered is its end of highest quality.
            chosen = list(dict.fromkeys([*chosen, *_hopeful(belief, (count + 1) // 2)]))
        return pool[chosen]


def _hopeful(belief: Belief, count: int) -> list[int]:
    """Rows of the least believed loss: by its median first, then ever more deviations below."""
    optimism = np.linspace(0.0, 1.0, count)[:, None]
    hoped = belief.log_median - optimism * belief.log_deviation
    return [int(row) for row in hoped.argmin(axis=1)]
