"""How a candidate falls into modules, widths and precision, and how widths shrink."""

import pytest

from autocompress.production.decisions import (
    Width,
    front_decisions,
    gpt_decisions,
    narrows,
    sovits_decisions,
    vocoder_decisions,
)
from autocompress.space import Candidate
from autocompress.transforms import materialize
from tests.tiny_teacher import tiny_teacher

CANDIDATE = Candidate(
    {
        "gpt.keep.1": False,
        "gpt.heads.2": 2,
        "gpt.ffn.3": 32,
        "storage.gpt.ffn.3": "int4",
        "sovits.prior.text.depth": 2,
        "sovits.flow.channels": 12,
        "sovits.vocoder.kernels.0": "3-7",
        "sovits.vocoder.channels.0": 8,
        "storage.sovits.prior": "fp16",
    }
)


def test_after_a_layer_went_the_others_have_their_own_numbers() -> None:
    decisions = gpt_decisions(tiny_teacher().gpt.config, CANDIDATE)
    assert dict(decisions.modules.values) == {"gpt.keep.1": False}
    assert decisions.widths == {"gpt.heads.1": Width(4, 2), "gpt.ffn.2": Width(128, 32)}
    assert dict(decisions.precision.values) == {"storage.gpt.ffn.2": "int4"}


def test_modules_then_widths_give_the_sizes_of_the_candidate() -> None:
    from autocompress.production.gpt_craft import GptCraft
    from autocompress.production.sovits_craft import SovitsCraft

    teacher = tiny_teacher()
    student = materialize(teacher, CANDIDATE)
    for craft, whole in (
        (GptCraft(teacher.gpt, gpt_decisions(teacher.gpt.config, CANDIDATE)), student.gpt),
        (SovitsCraft(teacher.sovits, sovits_decisions(teacher.sovits.config, CANDIDATE)), student.sovits),
    ):
        bare = craft.shape(craft.teacher, craft.decisions.modules)
        for ratio in (0.1, 0.3, craft.decisions.deepest):
            bare = craft.shape(bare, craft.decisions.at(ratio))
        assert bare.config == whole.config


def test_a_spare_vocoder_that_is_taken_as_it_is_learns_no_more() -> None:
    config = tiny_teacher(spare=True).sovits.config
    whole = Candidate({"sovits.vocoder.module": "istft-head", "storage.sovits.vocoder": "int4"})
    narrow = Candidate({**whole.values, "sovits.vocoder.hidden": 16})
    assert not vocoder_decisions(config, whole).shapes_anything
    assert vocoder_decisions(config, whole).precision == whole.part(["storage"])
    assert vocoder_decisions(config, whole, new=True).shapes_anything
    assert vocoder_decisions(config, narrow).shapes_anything


@pytest.mark.parametrize("spare", [True, False])
def test_phases_are_asked_of_a_vocoder_that_predicts_them(spare: bool) -> None:
    from autocompress.production.sovits_craft import VOCODER, SovitsCraft

    teacher = tiny_teacher(spare=spare)
    decided = {"sovits.vocoder.module": "istft-head"} if spare else {"sovits.vocoder.channels.0": 8}
    decisions = vocoder_decisions(teacher.sovits.config, Candidate(decided), new=True)
    craft = SovitsCraft(teacher.sovits, decisions, VOCODER)
    network = craft.shape(craft.teacher, decisions.architecture)
    objective = craft.objective(network, 300, quantized=False, distance=2.0)
    assert (objective.recipe.phase_weight > 0) == spare


def test_front_and_vocoder_are_all_of_sovits_and_share_nothing() -> None:
    config = tiny_teacher().sovits.config
    whole, front, vocoder = (
        decided(config, CANDIDATE) for decided in (sovits_decisions, front_decisions, vocoder_decisions)
    )
    for kind in ("architecture", "modules", "precision"):
        ours = [dict(getattr(one, kind).values) for one in (front, vocoder)]
        assert not ours[0].keys() & ours[1].keys()
        assert ours[0] | ours[1] == dict(getattr(whole, kind).values)
    assert {**front.widths, **vocoder.widths} == whole.widths
    assert vocoder.modules.values == {"sovits.vocoder.kernels.0": "3-7"}


@pytest.mark.parametrize(("ratio", "left"), [(0.0, 128), (0.05, 122), (0.5, 64), (0.75, 32), (1.0, 32)])
def test_a_ratio_is_the_share_that_is_gone_and_never_goes_below_the_target(ratio, left) -> None:
    assert Width(128, 32).at(ratio) == left


def test_halves_and_floats_are_not_narrow() -> None:
    assert not narrows(Candidate({"storage.gpt.head": "fp16", "compute.gpt.ffn.0": "fp16-device"}), ("gpt",))
    assert narrows(Candidate({"storage.gpt.ffn.0": "int8"}), ("gpt",))
    assert not narrows(Candidate({"storage.sovits.vocoder": "int8"}), ("sovits.prior",))
