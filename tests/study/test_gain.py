"""Expected gain of hypervolume against moocore's hypervolume, sampling, and choosing one by one."""

import numpy as np
import pytest
from scipy.special import ndtri

from autocompress.objectives import front_mask, hypervolume
from autocompress.study.samplers.gain import Gain, expected_shortfall, free_areas
from autocompress.study.surrogate import Belief

FLOOR = 0.03
AXES = [2, 3, 4]  # four losses have no closed form: their gain is that of the median
CERTAIN = 1e-9  # standard deviation of log loss; the gain of a sure loss is off by less than that


def drawn(count: int, n_axes: int, seed: int) -> np.ndarray:
    """Losses about a curved front, the last one smallest where the others are largest; [count, n_axes]."""
    generator = np.random.default_rng(seed)
    losses = generator.random((count, n_axes))
    rest = losses[:, :-1].mean(axis=1)
    losses[:, -1] = np.maximum(0.02, 1.0 - rest) ** 2 * np.exp(0.2 * generator.standard_normal(count))
    return losses


def believing(losses: np.ndarray, deviation: float) -> Belief:
    """A belief with the last column as its median."""
    return Belief(np.log(losses[:, -1] + FLOOR), np.full(len(losses), deviation), FLOOR)


def gain_of(n_axes: int) -> Gain:
    return Gain(np.ones(n_axes), n_axes - 1)


def true_gain(front: np.ndarray, point: np.ndarray) -> float:
    """The difference of two hypervolumes."""
    reference = np.ones(len(point))
    return hypervolume(np.vstack([front, point]), reference) - hypervolume(front, reference)


@pytest.mark.parametrize("n_axes", AXES)
@pytest.mark.parametrize("members", [0, 1, 60])
def test_the_gain_of_a_sure_loss_is_the_difference_of_hypervolumes(n_axes: int, members: int) -> None:
    front, points = drawn(members, n_axes, 0), drawn(40, n_axes, 1)
    gains = gain_of(n_axes).expected(front, points, believing(points, CERTAIN))
    expected = [true_gain(front, point) for point in points]
    assert max(expected) > 0.0
    # sums of hundreds of areas in double precision, and the belief's own 1e-9
    assert gains == pytest.approx(expected, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("n_axes", AXES)
def test_a_point_that_is_surely_dominated_gains_nothing_and_a_new_end_does(n_axes: int) -> None:
    front = drawn(30, n_axes, 2)
    dominated = front.max(axis=0, keepdims=True) + 0.5 * (1.0 - front.max(axis=0, keepdims=True))
    end = front.min(axis=0, keepdims=True) * 0.9
    points = np.vstack([dominated, end])
    nothing, something = gain_of(n_axes).expected(front, points, believing(points, CERTAIN))
    assert nothing == pytest.approx(0.0, abs=1e-9)
    assert something > 1e-3


def test_a_point_that_may_turn_out_better_than_its_median_gains_something() -> None:
    front = np.array([[0.5, 0.5, 0.5]])
    worse = np.array([[0.6, 0.6, 0.6]])
    sure, unsure = (gain_of(3).expected(front, worse, believing(worse, d))[0] for d in (CERTAIN, 0.5))
    assert sure == pytest.approx(0.0, abs=1e-9)
    assert unsure > 1e-3


@pytest.mark.parametrize("n_axes", [2, 3])
def test_the_gain_of_a_belief_is_the_mean_over_its_samples(n_axes: int) -> None:
    front, points = drawn(25, n_axes, 3), drawn(4, n_axes, 4)
    belief = believing(points, 0.3)
    gains = gain_of(n_axes).expected(front, points, belief)
    quantiles = (np.arange(2000) + 0.5) / 2000
    normal = ndtri(quantiles)
    for row, point in enumerate(points):
        sampled = np.exp(belief.log_median[row] + 0.3 * normal) - FLOOR
        mean = np.mean([true_gain(front, np.append(point[:-1], loss)) for loss in sampled])
        # 2 000 even quantiles leave out the tails: a part in a thousand
        assert gains[row] == pytest.approx(mean, rel=2e-3, abs=1e-6)


def test_points_and_members_beyond_the_reference_count_for_nothing() -> None:
    front, points = drawn(20, 3, 5), drawn(10, 3, 6)
    far = np.array([[0.1, 0.1, 1.5], [2.0, 0.01, 0.01]])
    belief = believing(points, 0.2)
    gain = gain_of(3)
    assert (
        gain.expected(np.vstack([front, far]), points, belief) == gain.expected(front, points, belief)
    ).all()
    assert gain.expected(front, far[1:], believing(far[1:], 0.2))[0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("n_axes", AXES)
def test_a_batch_gains_what_its_rows_gain_one_by_one(n_axes: int) -> None:
    front, points = drawn(40, n_axes, 7), drawn(15, n_axes, 8)
    belief = believing(points, 0.3)
    gain = gain_of(n_axes)
    batch = gain.expected(front, points, belief)
    alone = [gain.expected(front, points[i : i + 1], belief.at([i]))[0] for i in range(len(points))]
    assert batch == pytest.approx(alone, rel=1e-12, abs=1e-15)  # rounding only


@pytest.mark.parametrize("n_axes", AXES)
def test_gain_only_shrinks_as_the_front_grows(n_axes: int) -> None:
    front, points = drawn(40, n_axes, 9), drawn(30, n_axes, 10)
    belief = believing(points, 0.3)
    before, after = (gain_of(n_axes).expected(front[:n], points, belief) for n in (20, 40))
    assert (after <= before + 1e-12).all()  # rounding only
    assert (after < before - 1e-6).any()


@pytest.mark.parametrize("n_axes", AXES)
@pytest.mark.parametrize("members", [0, 3, 120])
def test_the_best_rows_are_those_of_choosing_one_by_one(n_axes: int, members: int) -> None:
    """The bounds that save work change nothing."""
    front, points = drawn(members, n_axes, 11), drawn(50, n_axes, 12)
    belief, gain = believing(points, 0.3), gain_of(n_axes)
    chosen: list[int] = []
    grown = front
    for _ in range(12):
        gains = gain.expected(grown, points, belief)
        gains[chosen] = -1.0
        chosen.append(int(np.argmax(gains)))
        grown = np.vstack([grown, points[chosen[-1]]])
    assert gain.best(front, points, belief, 12) == chosen


def test_no_more_rows_are_chosen_than_there_are() -> None:
    points = drawn(4, 3, 13)
    best = gain_of(3).best(drawn(10, 3, 14), points, believing(points, 0.3), 9)
    assert sorted(best) == [0, 1, 2, 3]


def test_free_areas_are_what_each_member_more_leaves_of_a_rectangle() -> None:
    members = np.array([[0.5, 0.5], [0.25, 0.75]])
    areas = free_areas(members, np.array([[0.0, 0.0], [0.5, 0.5], [0.3, 0.6]]), np.array([1.0, 1.0]))
    left = [[1.0, 0.25, 0.28], [0.75, 0.0, 0.08], [0.6875, 0.0, 0.03]]  # of no, one and both members
    assert areas == pytest.approx(np.array(left))


def test_a_shortfall_is_the_mean_of_what_a_level_lies_above_the_loss() -> None:
    belief = Belief(np.array([np.log(0.4)]), np.array([CERTAIN]), FLOOR)
    loss = 0.4 - FLOOR
    assert expected_shortfall(np.array([0.1, 0.5]), belief)[:, 0] == pytest.approx(
        [0.0, 0.5 - loss], abs=1e-8
    )


def test_the_front_s_own_members_are_enough() -> None:
    front, points = drawn(60, 3, 15), drawn(10, 3, 16)
    belief = believing(points, 0.3)
    whole, few = (gain_of(3).expected(f, points, belief) for f in (front, front[front_mask(front)]))
    assert (whole == few).all()
