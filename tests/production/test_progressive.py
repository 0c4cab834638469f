"""Progressive pruning: five per cent a round, a step back where one costs too much, the target in the end."""

from dataclasses import replace

import pytest
import torch

from autocompress.production.progressive import PruningPlan, narrow
from autocompress.production.schedule import rounded_well, stages_of, train_part
from autocompress.production.settings import TrainingSettings
from autocompress.production.stage import Outcome
from autocompress.space import Candidate
from tests.production.toy_craft import ToyNetwork, toy_craft


def quiet(name, progress) -> None:
    pass


def pruned(craft, folder, steps=400, ratio=0.05):
    return narrow(craft, Outcome(craft.teacher, 0.0), PruningPlan(folder, steps, ratio), quiet)


def test_five_per_cent_go_at_a_time_until_the_target(tmp_path) -> None:
    craft = toy_craft(100, 60)
    outcome = pruned(craft, tmp_path)
    assert craft.shaped == [
        60,
        95,
        90,
        85,
        80,
        75,
        70,
        65,
        60,
    ]  # the first is what pruning at once would cost
    assert outcome.network.config.width == 60
    assert not outcome.note


def test_a_round_that_costs_more_than_its_share_is_undone_and_halved(tmp_path) -> None:
    craft = toy_craft(100, 60, rate=0.0, fault=0.01)
    object.__setattr__(craft, "shape", dear_rounds(craft, above=4))
    outcome = pruned(craft, tmp_path)
    assert "round 1 cost more than its share and was undone; 2.50% a round" in outcome.note
    assert craft.shaped[1:4] == [95, 98, 95]
    assert outcome.network.config.width == 60


def test_a_round_that_costs_next_to_nothing_is_taken_whatever_its_share(tmp_path) -> None:
    craft = toy_craft(100, 60, rate=0.0, fault=1e-5, negligible=0.05)
    object.__setattr__(craft, "shape", dear_rounds(craft, above=4))
    outcome = pruned(craft, tmp_path)
    assert craft.shaped[1:4] == [95, 90, 85]
    assert not outcome.note


def dear_rounds(craft, above: int):
    """A round that takes more than ``above`` units at once costs twenty times as much."""
    plain, usual = type(craft).shape, craft.fault

    def shape(network, decisions):
        gone = network.config.width - int(decisions.values["toy.width"])
        fault = 20 * craft.fault if above < gone < 40 else craft.fault
        object.__setattr__(craft, "fault", fault)
        try:
            return plain(craft, network, decisions)
        finally:
            object.__setattr__(craft, "fault", usual)

    return shape


def test_few_steps_make_larger_rounds(tmp_path) -> None:
    craft = toy_craft(100, 60)
    pruned(craft, tmp_path, steps=40)
    assert craft.shaped == [60, 80, 60]


def test_rounds_that_cost_too_much_are_not_halved_until_nothing_is_learnt_in_them(tmp_path) -> None:
    craft = toy_craft(100, 60, rate=0.0, fault=0.01)
    object.__setattr__(craft, "shape", dear_rounds(craft, above=1))
    outcome = pruned(craft, tmp_path, steps=200)
    rounds = [width for width in craft.shaped[1:] if width != 95]
    assert "4.00% a round" in outcome.note and "2.50%" not in outcome.note
    assert rounds == sorted(rounds, reverse=True) and len(rounds) == 10
    assert PruningPlan(tmp_path, 200).smallest_round(0.4) == pytest.approx(0.04)


def test_a_killed_pruning_makes_the_same_rounds(tmp_path) -> None:
    whole = pruned(toy_craft(100, 60), tmp_path / "whole")
    seen = []

    def kill(step, weight) -> None:
        seen.append(step)
        if len(seen) == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pruned(toy_craft(100, 60, spoil=kill), tmp_path / "killed")
    craft = toy_craft(100, 60)
    assert pruned(craft, tmp_path / "killed").loss == whole.loss
    assert len(craft.shaped) < 9  # rounds that were finished are read, not cut anew


def test_the_better_of_trained_and_untrained_is_delivered_and_it_is_said(tmp_path) -> None:
    craft = toy_craft(100, 60, rate=-0.02)
    untrained = craft.shape(craft.teacher, craft.decisions.architecture)
    result = train_part(craft, untrained, 60, tmp_path, TrainingSettings(progressive=False), quiet)
    assert not result.trained
    assert result.network is untrained
    assert "kept untrained" in result.notes[-1]
    assert result.to_dict()["kept"] == "untrained"


@pytest.mark.parametrize(("moved_by", "kept"), [(0.02, "moved"), (-0.02, "as trained")])
def test_trained_weights_are_moved_where_rounding_costs_less_if_it_does(moved_by, kept) -> None:
    craft = toy_craft(100, 60)
    network = craft.shape(craft.teacher, craft.decisions.architecture)
    moved = ToyNetwork(network.weight.detach() + moved_by)
    object.__setattr__(craft, "ready_to_round", lambda _: moved)
    assert rounded_well(craft, network) is network  # nothing is rounded
    precise = replace(craft.decisions, precision=Candidate({"storage.toy": "int4"}))
    object.__setattr__(craft, "decisions", precise)
    assert rounded_well(craft, network) is (moved if kept == "moved" else network)


def test_what_is_not_asked_for_is_no_stage() -> None:
    assert stages_of(toy_craft(100, 60), TrainingSettings()) == ("prune",)
    assert stages_of(toy_craft(100, 60), TrainingSettings(progressive=False)) == ("distil",)
    assert stages_of(toy_craft(100, 100), TrainingSettings()) == ()


def test_a_finished_part_is_read_and_leaves_one_network_behind(tmp_path) -> None:
    craft = toy_craft(100, 60)
    untrained = craft.shape(craft.teacher, craft.decisions.architecture)
    first = train_part(craft, untrained, 400, tmp_path, TrainingSettings(), quiet)
    assert [path.name for path in tmp_path.rglob("*.pt")] == ["part.pt"]
    again = train_part(
        toy_craft(100, 60, rate=float("nan")), untrained, 400, tmp_path, TrainingSettings(), quiet
    )
    assert again.to_dict() == first.to_dict()
    assert torch.equal(again.network.weight, first.network.weight)
