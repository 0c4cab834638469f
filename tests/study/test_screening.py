"""Which single decisions are measured first, and what is believed between a teacher and the far end."""

import numpy as np
import pytest

from autocompress.objectives import DEFAULT_OBJECTIVES
from autocompress.space import load_space
from autocompress.study import Task
from autocompress.study.cost import CostModel, fit_costs
from autocompress.study.encoding import Encoding
from autocompress.study.screening import Screen, believed, family_screens, screens
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator


@pytest.fixture(scope="module")
def cost() -> CostModel:
    encoding = Encoding(load_space("gpt-sovits", REFERENCE_DIMENSIONS))
    return fit_costs(encoding, Task(DEFAULT_OBJECTIVES), SyntheticEvaluator())


def saved(cost: CostModel, screen: Screen) -> float:
    return float((1 - cost.costs(screen.row[None, :])[0] / cost.base).max())


def test_with_room_for_all_every_choice_is_measured_by_itself_after_the_families(cost) -> None:
    families, singles = screens(cost, 10_000)
    assert {s.choices for s in families} == {s.choices for s in family_screens(cost.encoding)}
    assert singles
    assert all(len(screen.choices) == 1 for screen in singles)
    alone = [s.choices[0] for s in (*families, *singles) if len(s.choices) == 1]
    assert len(alone) == len(set(alone))
    assert set(alone) >= {i for s in families for i in s.choices}


def test_with_less_room_families_that_save_most_are_measured(cost) -> None:
    (chosen, singles), every = screens(cost, 12), family_screens(cost.encoding)
    assert len(chosen) == 12 < len(every)
    assert not singles
    left_out = [s for s in every if s.choices not in {c.choices for c in chosen}]
    assert min(saved(cost, s) for s in chosen) >= max(saved(cost, s) for s in left_out)


def test_one_kind_of_precision_in_a_half_is_one_family_and_no_choice_is_in_two(cost) -> None:
    families = [[cost.encoding.choices[i] for i in s.choices] for s in family_screens(cost.encoding)]
    narrow = [family for family in families if family[0].role in ("storage", "compute")]
    assert {(c.role, c.component) for family in narrow for c in family} == {
        (family[0].role, family[0].component) for family in narrow
    }
    assert len(narrow) == len({(family[0].role, family[0].component) for family in narrow})
    names = [choice.name for family in families for choice in family]
    assert len(names) == len(set(names))


def test_what_is_believed_between_the_ends_depends_on_what_is_taken_away(cost) -> None:
    """Half-way a vocoder's width has lost most already, a GPT's width little, and storage nearly nothing."""
    encoding = cost.encoding
    every = family_screens(encoding)
    beliefs = believed(encoding, every, [1.0] * len(every))

    def middle_over_far(name: str) -> float:
        values = beliefs[encoding.column[name]]
        return float(np.median(values) / values[-1])

    vocoder, ffn = middle_over_far("sovits.vocoder.channels.0"), middle_over_far("gpt.ffn.0")
    stored = beliefs[encoding.column["storage.sovits.flow"]]
    assert vocoder > 0.6 > ffn > 0.1
    assert stored[-2] < 0.1 * stored[-1]


def test_the_storage_of_a_spare_vocoder_is_not_measured_with_that_of_the_teachers_parts() -> None:
    space = load_space("gpt-sovits", REFERENCE_DIMENSIONS | {"sovits.vocoder.hidden": 576})
    encoding = Encoding(space)
    names = [[encoding.choices[i].name for i in screen.choices] for screen in family_screens(encoding)]
    assert ["storage.sovits.spectra"] in names
    shared = next(family for family in names if "storage.sovits.flow" in family)
    assert "storage.sovits.vocoder" in shared
    row = next(s.row for s in family_screens(encoding) if encoding.column["storage.sovits.flow"] in s.choices)
    assert encoding.decode(row)["sovits.vocoder.module"] == "hifigan"


def test_what_a_family_lost_is_shared_by_those_that_changed(cost) -> None:
    """The floor keeps half of the layers: four of eight are gone when all are asked to go."""
    encoding = cost.encoding
    drops = next(s for s in family_screens(encoding) if encoding.column["gpt.keep.0"] in s.choices)
    gone = sum(drops.row[i] != encoding.teacher[i] for i in drops.choices)
    assert gone == len(drops.choices) // 2
    beliefs = believed(encoding, [drops], [1.0])
    assert max(beliefs[encoding.column["gpt.keep.0"]]) == pytest.approx(1.0 / gone)
