"""Plans: what is asked, whether it can be met, what it would take."""

import json

import pytest

from autocompress.errors import InfeasibleError, RequestError
from autocompress.objectives import Constraint, Measurement
from autocompress.planner import ModelChoice, SearchSettings, explore, make_plan
from autocompress.planner.plan import expected_seconds
from autocompress.request import Request
from autocompress.space import load_space
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator

LINE = "<80MB, <1s on Snapdragon 7 Gen3"


@pytest.fixture(scope="module")
def space():
    return load_space("quick", REFERENCE_DIMENSIONS)


def cost(candidate):
    return SyntheticEvaluator()(candidate, "free", 0).measurements


def planned(space, line=LINE, **settings):
    return make_plan(Request.parse(line), ModelChoice(), space, cost, SearchSettings(**settings))


def test_the_document_says_device_constraints_model_and_feasibility(space) -> None:
    document = planned(space).to_dict()
    assert document["device"] == "snapdragon-7-gen-3"
    assert document["constraints"] == {"size_mb": {"max": 80.0}, "latency_s": {"max": 1.0}}
    assert document["model"] == "reference"
    assert document["feasible"] in (True, False)
    assert json.loads(json.dumps(document)) == document


def test_the_smallest_point_is_smaller_than_any_that_is_drawn(space) -> None:
    import numpy as np

    region = explore(space, cost, ())
    generator = np.random.default_rng(0)
    for _ in range(200):
        drawn = {c.name: c.options[generator.integers(len(c.options))] for c in space.choices}
        seen = cost(space.candidate(space.repair(drawn)))
        assert region.smallest.measurements["size_mb"].value <= seen["size_mb"].value
        assert region.fastest.measurements["latency_s"].value <= seen["latency_s"].value


def test_what_cannot_be_met_names_the_bound_the_nearest_point_and_the_price(space) -> None:
    plan = planned(space, "<2MB, <100s on Snapdragon 7 Gen3")
    assert not plan.feasible
    assert plan.region.binding == ("size_mb",)
    price = plan.region.relaxations[0]
    assert price.needed == pytest.approx(plan.region.smallest.measurements["size_mb"].value)
    with pytest.raises(InfeasibleError, match=r"(?s)The nearest: size_mb .*Relaxing size_mb \(asked 2\)"):
        plan.require_feasible()


def test_relaxing_to_the_price_makes_it_feasible(space) -> None:
    needed = planned(space, "<2MB on Snapdragon 7 Gen3").region.relaxations[0].needed
    assert planned(space, f"<{needed * 1.0001:.6f}MB on Snapdragon 7 Gen3").feasible


def test_a_bound_holds_at_the_planned_confidence_not_at_the_median() -> None:
    seen = Measurement("latency_s", 0.95, 0.7, 1.3, "estimated")
    assert not Constraint("latency_s", "max", 1.0, 0.9).holds(seen)


def test_bounds_on_speech_are_known_only_after_it_was_heard(space) -> None:
    region = planned(space, "<200MB, MOS over 3.5 on Snapdragon 7 Gen3").region
    assert region.unmeasured == ("mos",)


def test_expected_time_grows_with_trials_and_is_the_budget_when_that_is_time() -> None:
    each = {"divergence": 2.0, "speech": 10.0}
    few, many = (expected_seconds(SearchSettings(trials=n), each) for n in (10, 100))
    assert few < many
    assert expected_seconds(SearchSettings(trials=None, seconds=600.0), each) == 600.0


def test_a_plan_is_saved_whole(space, tmp_path) -> None:
    plan = planned(space)
    plan.save(tmp_path / "run" / "plan.json")
    assert json.loads((tmp_path / "run" / "plan.json").read_text()) == plan.to_dict()
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["plan.json"]


def test_a_line_without_a_limit_is_malformed() -> None:
    with pytest.raises(RequestError):
        Request.parse("on Snapdragon 7 Gen3")
