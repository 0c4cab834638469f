"""What one would try by hand: proposed before anything else, inside the bounds, and never lost to."""

import numpy as np
import pytest

from autocompress.objectives import DEFAULT_OBJECTIVES, Constraint
from autocompress.space import SearchSpace, load_space
from autocompress.study import Budget, Settings, Task
from autocompress.study.cost import CostModel, fit_costs
from autocompress.study.encoding import Encoding
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator
from autocompress.study.uniform import stored_everywhere, uniform_rows


@pytest.fixture(scope="module")
def joint() -> SearchSpace:
    return load_space("gpt-sovits", REFERENCE_DIMENSIONS)


def costs_of(space: SearchSpace, *bounds: Constraint) -> CostModel:
    return fit_costs(Encoding(space), Task(DEFAULT_OBJECTIVES, bounds), SyntheticEvaluator())


def of_role(encoding: Encoding, row: np.ndarray, role: str) -> dict[str, object]:
    point = encoding.decode(row)
    return {c.name: point[c.name] for c in encoding.choices if c.role == role and c.name in point}


@pytest.mark.parametrize("storage", ["fp16", "int8", "int4"])
def test_every_part_has_the_storage_or_the_narrowest_above_it(joint: SearchSpace, storage: str) -> None:
    encoding = Encoding(joint)
    row = stored_everywhere(encoding, storage)
    stored = of_role(encoding, row, "storage")
    assert stored.pop("storage.gpt.head") == "fp16"  # its floor
    assert set(stored.values()) == {storage}
    others = [i for i, c in enumerate(encoding.choices) if c.role not in ("storage", "compute")]
    assert np.array_equal(row[others], encoding.teacher[others])


def test_a_storage_that_some_parts_lack_is_still_in_its_place(quick: SearchSpace) -> None:
    encoding = Encoding(quick)
    stored = of_role(encoding, stored_everywhere(encoding, "fp16"), "storage")
    assert stored["storage.sovits.prior"] == "fp16"
    assert {value for name, value in stored.items() if name.startswith("storage.gpt")} <= {"fp32", "fp16"}


def test_a_way_to_compute_is_tried_where_it_makes_something_cheaper(joint: SearchSpace) -> None:
    cost = costs_of(joint)
    ways = [set(of_role(cost.encoding, row, "compute").values()) for row in uniform_rows(cost)]
    assert {"fp32"} in ways
    assert {"dynamic-int8", "fp32"} in ways  # flow and vocoder stay in float
    for storage in ("int8", "int4"):
        plain = stored_everywhere(cost.encoding, storage)
        cheaper = [
            row
            for row in uniform_rows(cost)
            if (row != plain).any()
            and of_role(cost.encoding, row, "storage") == of_role(cost.encoding, plain, "storage")
        ]
        assert all((cost.costs(row[None]) < cost.costs(plain[None])).any() for row in cheaper)


def test_what_breaks_a_bound_is_left_out_but_for_the_narrowest_where_none_holds_it(
    joint: SearchSpace,
) -> None:
    cost = costs_of(joint, Constraint("size_mb", "max", 25))
    rows = uniform_rows(cost)
    assert rows
    assert all(cost.costs(row[None])[0, 0] <= 25 for row in rows)
    (only,) = uniform_rows(costs_of(joint, Constraint("size_mb", "max", 5)))
    assert set(of_role(cost.encoding, only, "storage").values()) == {"int4", "fp16"}


@pytest.mark.parametrize("sampler", ["solver", "nsga2"])
def test_no_front_loses_to_a_uniform_storage(make_study, joint: SearchSpace, sampler: str) -> None:
    study = make_study(settings=Settings(sampler=sampler), space=joint)
    front = study.run(Budget(trials=24))
    found = {trial.candidate.id: trial for trial in study.trials()}
    task, encoding = Task(DEFAULT_OBJECTIVES), Encoding(joint)
    for storage in ("int8", "int4"):
        by_hand = found[joint.candidate(encoding.decode(stored_everywhere(encoding, storage))).id]
        losses = np.array(by_hand.losses(task))
        assert any((np.array(trial.losses(task)) <= losses).all() for trial in front.trials)
