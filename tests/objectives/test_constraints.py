"""Bounds, intervals and directions."""

import pytest

from autocompress.objectives import (
    CONSTRAINT_KEYS,
    Constraint,
    Measurement,
    Objective,
    excess_by_key,
    holds,
    total_excess,
)


def latency(value: float, low: float, high: float) -> Measurement:
    return Measurement("latency_s", value, low, high, "estimated")


def test_constraint_keys_are_those_of_the_design() -> None:
    expected = "size_mb latency_s first_audio_s rtf memory_mb similarity sid mos cer"
    assert list(CONSTRAINT_KEYS) == expected.split()


def test_a_bound_holds_at_its_confidence_and_not_at_the_median() -> None:
    bound = Constraint("latency_s", "max", 1.0, confidence=0.9)
    assert bound.holds(latency(0.8, 0.7, 0.9))
    assert not bound.holds(latency(0.95, 0.5, 1.5))
    assert Constraint("latency_s", "max", 1.0, confidence=0.5).holds(latency(0.95, 0.5, 1.5))


def test_a_two_sided_interval_is_read_as_one_sided_bounds_of_a_normal() -> None:
    seen = Measurement("mos", 4.0, 3.0, 5.0, "measured", confidence=0.9)
    assert seen.upper(0.95) == pytest.approx(5.0)
    assert seen.lower(0.95) == pytest.approx(3.0)
    assert seen.upper(0.5) == pytest.approx(4.0)
    assert seen.upper(0.9) == pytest.approx(4.0 + 1.2816 / 1.6449, abs=1e-3)


def test_a_minimum_is_broken_from_below() -> None:
    bound = Constraint("similarity", "min", 0.8)
    assert bound.excess(Measurement.exact("similarity", 0.72)) == pytest.approx(0.1)
    assert bound.holds(Measurement.exact("similarity", 0.9))


def test_an_unmeasured_bound_does_not_hold_but_adds_no_excess() -> None:
    bounds = [Constraint("size_mb", "max", 80), Constraint("mos", "min", 3)]
    measured = {"size_mb": Measurement.exact("size_mb", 100)}
    assert not holds(bounds, measured)
    assert excess_by_key(bounds, measured) == {"size_mb:max": pytest.approx(0.25)}
    assert total_excess(bounds, measured) == pytest.approx(0.25)


def test_objectives_turn_maxima_into_losses_and_back() -> None:
    mos = Objective("mos")
    assert mos.loss(4.2) == -4.2
    assert mos.value(mos.loss(4.2)) == 4.2
    assert Objective("size_mb").loss(80) == 80


@pytest.mark.parametrize("key", ["latency", "size", "simlarity"])
def test_an_unknown_quantity_is_refused_with_the_nearest(key: str) -> None:
    with pytest.raises(ValueError, match="did you mean"):
        Objective(key)


def test_a_measurement_survives_its_dictionary() -> None:
    seen = latency(0.8, 0.7, 0.9)
    assert Measurement.from_dict(seen.to_dict()) == seen


@pytest.mark.parametrize("numbers", [(float("nan"), 0, 1), (1, 2, 3), (0.5, 0.0, 0.4)])
def test_a_measurement_of_nan_or_outside_its_interval_is_refused(numbers: tuple) -> None:
    with pytest.raises(ValueError, match="latency_s"):
        latency(*numbers)
