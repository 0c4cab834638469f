"""Which trials climb: non-dominated sorting within a rung, in the manner of MOASHA.

Schmucker et al., "Multi-objective Asynchronous Successive Halving", 2021: of n trials that finished a rung
the best n / eta may rise, ranked by non-dominated layers, within a layer by how alone a point is.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autocompress.objectives import pareto_ranks
from autocompress.study.evaluation import Rung

_UNRANKED = 200  # one result in so many may wait for the next ranking


@dataclass(frozen=True)
class Standing:
    """A trial's result at one rung; a broken bound ranks it behind every feasible one."""

    number: int
    losses: tuple[float, ...]
    excess: float = 0.0


class RungTable:
    """Results by rung and who has risen; ``rungs`` are the quality rungs of the study, cheapest first."""

    def __init__(self, rungs: Sequence[Rung], eta: float) -> None:
        self.rungs = tuple(rungs)
        self.eta = eta
        self._standings: dict[Rung, list[Standing]] = {rung: [] for rung in self.rungs}
        self._risen: dict[Rung, set[int]] = {rung: set() for rung in self.rungs}
        self._ranked: dict[Rung, int] = dict.fromkeys(self.rungs, 0)  # results that were ranked last
        self._rising: dict[Rung, deque[int]] = {rung: deque() for rung in self.rungs}

    def record(self, rung: Rung, standing: Standing) -> None:
        self._standings[rung].append(standing)

    def next_promotion(self) -> tuple[int, Rung] | None:
        """The trial that should rise next, and to where; the highest rung is filled first."""
        for lower, upper in reversed(self._pairs):
            self._rank(lower)
            if self._rising[lower]:
                number = self._rising[lower].popleft()
                self._risen[lower].add(number)
                return number, upper
        return None

    def finalists(self, limit: int) -> list[tuple[int, Rung]]:
        """Front members that have not risen from their rung: at most ``limit`` of them rise at the end."""
        for lower, upper in self._pairs:
            if rising := self._waiting(lower, limit):
                self._risen[lower].update(rising)
                return [(number, upper) for number in rising]
        return []

    def climbs_left(self, limit: int) -> dict[Rung, int]:
        """How many evaluations :meth:`finalists` would ask for now, by rung: who rises may rise again."""
        left: dict[Rung, int] = {}
        for lower, upper in self._pairs:
            left[upper] = min(limit, len(self._waiting(lower, limit)) + left.get(lower, 0))
        return left

    @property
    def _pairs(self) -> list[tuple[Rung, Rung]]:
        return list(zip(self.rungs, self.rungs[1:], strict=False))

    def _waiting(self, rung: Rung, limit: int) -> list[int]:
        best = [s for s in ranked(self._standings[rung]) if s.excess <= 0.0][:limit]
        return [s.number for s in best if s.number not in self._risen[rung]]

    def _rank(self, rung: Rung) -> None:
        """Who may rise: of many results one more changes little, and takes as long as all of them."""
        standings = self._standings[rung]
        count = len(standings)
        if count - self._ranked[rung] > count // _UNRANKED:
            best = ranked(standings)[: int(count / self.eta)]
            risen = self._risen[rung]
            self._rising[rung] = deque(s.number for s in best if s.number not in risen and s.excess <= 0.0)
            self._ranked[rung] = count


def ranked(standings: Sequence[Standing]) -> list[Standing]:
    """Feasible ones by non-dominated layer and loneliness, then the others by their excess."""
    feasible = [s for s in standings if s.excess <= 0.0]
    broken = sorted((s for s in standings if s.excess > 0.0), key=lambda s: (s.excess, s.number))
    if not feasible:
        return broken
    losses = np.array([s.losses for s in feasible])
    ranks = pareto_ranks(losses)
    alone = _loneliness(losses, ranks)
    numbers = np.array([s.number for s in feasible])
    order = np.lexsort((numbers, -alone, ranks))
    return [feasible[i] for i in order] + broken


def _loneliness(losses: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Crowding distance (Deb et al. 2002) of each row within its layer; the ends of a layer are infinite."""
    distance = np.zeros(len(losses))
    for rank in np.unique(ranks):
        rows = np.flatnonzero(ranks == rank)
        for column in losses[rows].T:
            order = np.argsort(column, kind="stable")
            span = column[order[-1]] - column[order[0]] or 1.0
            distance[rows[order[[0, -1]]]] = np.inf
            distance[rows[order[1:-1]]] += (column[order[2:]] - column[order[:-2]]) / span
    return distance
