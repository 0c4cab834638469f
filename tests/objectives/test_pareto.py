"""Fronts: closed forms, and properties that hold for any set of points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autocompress.objectives import dominates, front_mask, hypervolume, knee_index, pareto_ranks

point_sets = arrays(
    np.float64, st.tuples(st.integers(1, 12), st.just(3)), elements=st.integers(0, 6).map(float)
)


def staircase(steps: int) -> np.ndarray:
    """Points (i, steps - i) / steps for i = 0..steps - 1: a staircase under the unit square."""
    i = np.arange(steps)
    return np.stack([i, steps - 1 - i], axis=1) / steps


@pytest.mark.parametrize("steps", [1, 2, 5, 40])
def test_hypervolume_of_a_staircase_has_its_closed_form(steps: int) -> None:
    expected = (steps + 1) / (2 * steps)  # sum of k / n^2 for k = 1..n
    assert hypervolume(staircase(steps), (1.0, 1.0)) == pytest.approx(expected, rel=1e-12)


def test_hypervolume_of_one_point_is_its_box() -> None:
    assert hypervolume([[0.5, 0.25, 0.0]], (1.0, 1.0, 1.0)) == pytest.approx(0.375, rel=1e-12)


def test_points_beyond_the_reference_add_no_hypervolume() -> None:
    assert hypervolume([[0.5, 2.0]], (1.0, 1.0)) == 0.0
    assert hypervolume(np.zeros((0, 2)), (1.0, 1.0)) == 0.0


@given(point_sets)
def test_front_is_what_nothing_dominates(points: np.ndarray) -> None:
    mask = front_mask(points)
    for i, point in enumerate(points):
        beaten = any(dominates(other, point) for other in points)
        repeated = any((points[j] == point).all() for j in range(i))
        assert mask[i] == (not beaten and not repeated)


@given(point_sets)
def test_every_ranked_point_is_dominated_from_the_rank_above(points: np.ndarray) -> None:
    ranks = pareto_ranks(points)
    for i, rank in enumerate(ranks):
        rivals = [points[j] for j in range(len(points)) if ranks[j] == rank]
        assert not any(dominates(r, points[i]) for r in rivals)
        if rank > 0:
            assert any(dominates(points[j], points[i]) for j in range(len(points)) if ranks[j] == rank - 1)


@given(point_sets)
def test_adding_a_point_never_lowers_hypervolume(points: np.ndarray) -> None:
    reference = (7.0, 7.0, 7.0)
    assert hypervolume(points, reference) >= hypervolume(points[:-1], reference) - 1e-9


@given(point_sets)
def test_knee_lies_on_the_front(points: np.ndarray) -> None:
    assert front_mask(points)[knee_index(points)]


def test_knee_of_a_bent_front_is_the_bend() -> None:
    assert knee_index([[0.0, 1.0], [0.1, 0.15], [0.5, 0.1], [1.0, 0.0]]) == 1


def test_nan_losses_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        front_mask([[0.0, float("nan")]])
