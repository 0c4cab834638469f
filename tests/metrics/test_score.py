"""Means, intervals, failures and the teacher's values."""

import numpy as np
import pytest

from autocompress.errors import MalformedError
from autocompress.metrics.metric import Metric, Reading
from autocompress.metrics.score import Failure, Item, bootstrap, score, score_all

METRIC = Metric(
    "height", "m", worst=0.0, cost_s=0, fault=lambda subject: None, compute=float, higher_is_better=True
)
DISTANCE = Metric(
    "distance", "m", worst=9.0, cost_s=0, fault=lambda subject: None, compute=float, relative=True
)
ITEMS = [Item(f"s{n}", voice) for n in range(10) for voice in ("a", "b")]
READINGS = {item: Reading(0.1 * n) for n, item in enumerate(ITEMS)}


def test_the_value_is_the_mean_and_lies_in_its_interval():
    result = score(METRIC, READINGS, seed=1)
    assert result.value == pytest.approx(0.95)
    assert result.estimate.low < result.value < result.estimate.high
    assert (result.n, result.n_sentences, result.failures) == (20, 10, ())


def test_a_failure_is_named_and_pulls_the_mean_to_the_worst():
    broken = READINGS | {ITEMS[19]: Reading(METRIC.worst, "the audio is empty")}
    result = score(METRIC, broken, seed=1)
    assert result.value == pytest.approx(0.95 - 1.9 / 20)
    assert result.failures == (Failure("s9/b", "the audio is empty"),)


def test_the_difference_to_the_teacher_is_surer_than_the_value():
    teacher = {item: Reading(reading.value + 0.05) for item, reading in READINGS.items()}
    result = score(METRIC, READINGS, seed=1, teacher=teacher)
    assert result.teacher is not None
    assert result.difference is not None
    assert result.teacher.value == pytest.approx(1.0)
    assert result.difference.value == pytest.approx(-0.05)
    assert result.difference.high - result.difference.low < 1e-9 < result.estimate.high - result.estimate.low


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    values, clusters = np.arange(20.0), [f"s{n}" for n in range(20)]
    assert bootstrap(values, clusters, seed=3) == bootstrap(values, clusters, seed=3)
    assert bootstrap(values, clusters, seed=3) != bootstrap(values, clusters, seed=4)


def test_intervals_hold_the_truth_about_as_often_as_they_claim():
    rng = np.random.default_rng(0)
    clusters = [f"s{n}" for n in range(30)]
    held = [_holds(bootstrap(rng.normal(0, 1, 30), clusters, seed=n)) for n in range(200)]
    # 90 % claimed; the percentile bootstrap runs a little low at n = 30, and 200 draws have a spread of 2 %
    assert 0.82 < np.mean(held) < 0.95


def _holds(estimate) -> bool:
    return estimate.low <= 0 <= estimate.high


def test_voices_of_one_sentence_count_as_one_draw():
    values = np.repeat(np.arange(8.0), 4)
    together = bootstrap(values, [f"s{n // 4}" for n in range(32)], seed=1)
    apart = bootstrap(values, [f"s{n}" for n in range(32)], seed=1)
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_one_sentence_alone_gives_no_certainty():
    estimate = bootstrap(np.array([1.0, 2.0]), ["s", "s"], seed=1)
    assert (estimate.value, estimate.low, estimate.high) == (1.5, -np.inf, np.inf)


def test_no_readings_and_unequal_items_are_refused():
    with pytest.raises(MalformedError, match="no readings"):
        score(METRIC, {}, seed=1)
    with pytest.raises(MalformedError, match="only one of them has s9/b"):
        score(METRIC, READINGS, seed=1, teacher={item: READINGS[item] for item in ITEMS[:-1]})


def test_a_relative_metric_has_no_teachers_value():
    subjects = dict.fromkeys(ITEMS, 1.0)
    scores = score_all((METRIC, DISTANCE), subjects, seed=1, teacher=subjects)
    assert scores["height"].difference is not None
    assert scores["distance"].teacher is None
