"""Dear stages are spared once a cheap one has broken a budget."""

import numpy as np
import pytest

from autocompress.errors import MalformedError
from autocompress.metrics.budget import Stage, as_measurement, evaluate_in_stages
from autocompress.metrics.metric import Metric, Reading
from autocompress.metrics.score import Item, score
from autocompress.objectives import Constraint, Measurement

BUDGET = (Constraint("size_mb", "max", 80), Constraint("mos", "min", 3.0))


def stages(size_mb: float, calls: list[str]) -> tuple[Stage, ...]:
    def free() -> list[Measurement]:
        calls.append("free")
        return [Measurement.exact("size_mb", size_mb), Measurement.exact("latency_s", 99)]

    def speech() -> list[Measurement]:
        calls.append("speech")
        return [Measurement("mos", 3.5, 3.2, 3.8, "measured")]

    return Stage("free", free), Stage("speech", speech)


def test_within_budget_every_stage_runs_in_order():
    calls: list[str] = []
    result = evaluate_in_stages(stages(79, calls), BUDGET)
    assert calls == list(result.seconds) == ["free", "speech"]
    assert result.within_budget
    assert set(result.measurements) == {"size_mb", "latency_s", "mos"}


def test_a_broken_budget_stops_the_evaluation_and_says_why():
    calls: list[str] = []
    result = evaluate_in_stages(stages(91.25, calls), BUDGET)
    assert calls == ["free"]
    assert result.broken == ("size_mb <= 80: measured 91.25 (exact), 91.25 at 90% confidence",)
    assert result.skipped == ("speech",)
    assert "size_mb" in result.measurements


def test_the_bound_and_not_the_median_is_held_to_the_budget():
    wide = Stage("speech", lambda: [Measurement("mos", 3.1, 2.5, 3.7, "measured")])
    sure = Stage("speech", lambda: [Measurement("mos", 3.1, 3.05, 3.15, "measured")])
    assert not evaluate_in_stages([wide], BUDGET).within_budget
    assert evaluate_in_stages([sure], BUDGET).within_budget


def test_no_stages_measure_nothing():
    result = evaluate_in_stages((), BUDGET)
    assert result.within_budget
    assert result.measurements == {}


def scored(n_sentences: int):
    metric = Metric("mos", "1-5", 1, 0, lambda subject: None, float, higher_is_better=True)
    values = np.random.default_rng(0).normal(4, 0.3, n_sentences)
    return score(metric, {Item(f"s{n}", "v"): Reading(float(v)) for n, v in enumerate(values)}, seed=0)


def test_a_score_becomes_a_measurement_with_its_interval():
    result = scored(12)
    measurement = as_measurement(result)
    assert (measurement.key, measurement.value) == ("mos", result.value)
    assert measurement.low < measurement.value < measurement.high
    assert measurement.confidence == 0.9
    assert as_measurement(result, "quality_loss").key == "quality_loss"


def test_one_sentence_is_too_few_for_a_measurement():
    with pytest.raises(MalformedError, match="at least two"):
        as_measurement(scored(1))
