"""Expected gain of hypervolume, in closed form where one loss is believed and at most two others are known.

With the known losses f fixed, a loss q gains the integral over t > q of A(t): the area beyond f that no
front member of loss at most t dominates. A is constant between the members' losses, so the expectation over
a shifted log-normal q is a sum of areas times differences of E[max(0, t - q)] (Black and Scholes' put, 1973).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from autocompress.objectives import front_mask, hypervolume
from autocompress.study.program import Floats
from autocompress.study.surrogate import Belief

_CLOSED_FORM_AXES = 2  # known losses that the areas below are drawn over


@dataclass(frozen=True)
class Gain:
    """``believed`` is the column of the uncertain loss; every other column of ``front`` is known exactly."""

    reference: Floats  # [n_objectives]
    believed: int

    def expected(self, front: Floats, known: Floats, belief: Belief) -> Floats:
        """Expected gain over ``front`` [n, n_objectives] of rows with ``known`` losses [m, n_objectives]."""
        return self._over(self._members(front), known, belief)

    def best(self, front: Floats, known: Floats, belief: Belief, count: int) -> list[int]:
        """The ``count`` rows that gain most, each given the ones before it at their ``known`` losses.

        A front that grows leaves less to gain, so a gain of before is a bound: a row is weighed again only
        when its bound is the largest (Minoux, "Accelerated greedy algorithms", 1978).
        """
        members = self._members(front)
        gains = self._over(members, known, belief)
        weighed = np.zeros(len(known), dtype=np.int64)  # how many were chosen by then
        chosen: list[int] = []
        while len(chosen) < min(count, len(known)):
            row = int(np.argmax(gains))
            if weighed[row] == len(chosen):
                chosen.append(row)
                gains[row] = -np.inf
                members = np.vstack([members, self._members(known[row : row + 1])])
                continue
            near = self._limited(members, known[row])
            gains[row] = self._over(near, known[row : row + 1], belief.at([row]))[0]
            weighed[row] = len(chosen)
        return chosen

    def _over(self, members: Floats, known: Floats, belief: Belief) -> Floats:
        axes = self._axes
        if len(axes) > _CLOSED_FORM_AXES:
            return self._at_median(members, known, belief)
        members = members[np.argsort(members[:, self.believed], kind="stable")]
        areas = free_areas(members[:, axes], known[:, axes], self.reference[axes])
        levels = np.append(members[:, self.believed], self.reference[self.believed])
        shortfalls = expected_shortfall(levels, belief)
        steps = np.diff(shortfalls, axis=0, prepend=0.0)
        return np.asarray((areas * steps).sum(axis=0))

    def _members(self, front: Floats) -> Floats:
        inside = front[(front < self.reference).all(axis=1)]
        return inside[front_mask(inside)]

    def _limited(self, members: Floats, point: Floats) -> Floats:
        """What of ``members`` bounds the gain of one point: their parts beyond it, non-dominated ones only.

        While and others, "A fast way of calculating exact hypervolumes", 2012: of thousands few are left.
        """
        beyond = members.copy()
        beyond[:, self._axes] = np.maximum(members[:, self._axes], point[self._axes])
        return self._members(beyond)

    @property
    def _axes(self) -> list[int]:
        return [i for i in range(len(self.reference)) if i != self.believed]

    def _at_median(self, members: Floats, known: Floats, belief: Belief) -> Floats:
        """Gain as if every loss were its median."""
        points = known.copy()
        points[:, self.believed] = belief.loss()
        base = hypervolume(members, self.reference)
        return np.array([hypervolume(np.vstack([members, p]), self.reference) - base for p in points])


def expected_shortfall(levels: Floats, belief: Belief) -> Floats:
    """E[max(0, level - loss)] of each level and belief; [n_levels, n_beliefs]."""
    strike = np.maximum(levels[:, None] + belief.floor, 1e-12)
    deviation = belief.log_deviation[None, :]
    distance = (np.log(strike) - belief.log_median[None, :]) / deviation
    mean = np.exp(belief.log_median + 0.5 * belief.log_deviation**2)
    return np.asarray(strike * ndtr(distance) - mean * ndtr(distance - deviation))


def free_areas(members: Floats, points: Floats, reference: Floats) -> Floats:
    """Area between each point and ``reference`` that the first 0, 1, ... n members leave free.

    ``members`` [n, 1 or 2] and ``points`` [m, 1 or 2] are known losses; the result is [n + 1, m].
    """
    if points.shape[1] < _CLOSED_FORM_AXES:
        return free_areas(_second_axis(members), _second_axis(points), np.append(reference, 1.0))
    x, y = np.minimum(points, reference).T
    edges = np.unique(np.concatenate([members[:, 0], [min(0.0, x.min()), reference[0]]]))  # [n_cells + 1]
    areas = np.empty((len(members) + 1, len(points)))
    for level, height in enumerate(_heights(members, edges, reference[1])):
        integral = np.append(0.0, np.cumsum(height * np.diff(edges)))
        end = np.maximum(x, edges[np.searchsorted(-height, -y)])  # beyond it the members lie below y
        areas[level] = np.interp(end, edges, integral) - np.interp(x, edges, integral) - y * (end - x)
    return areas


def _heights(members: Floats, edges: Floats, top: float) -> Iterator[Floats]:
    """Lowest second loss of the first 0, 1, ... members that reach each cell between ``edges``.

    The same array each time: a front of thousands would fill gigabytes if every level were kept.
    """
    height = np.full(len(edges) - 1, top)
    yield height
    for cell, second in zip(np.searchsorted(edges, members[:, 0]), members[:, 1], strict=True):
        np.minimum(height[cell:], second, out=height[cell:])
        yield height


def _second_axis(losses: Floats) -> Floats:
    return np.column_stack([losses, np.zeros(len(losses))])
