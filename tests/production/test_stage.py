"""A stage of training: the best is kept, a killed one goes on, and faults leave the last good state."""

import json
import math

import pytest
import torch

from autocompress.errors import RunError
from autocompress.models.training import trainer
from autocompress.production.stage import Outcome, StagePlan, load_network, run_stage, save_network
from tests.production.toy_craft import ToyNetwork, toy_craft


def quiet(name, progress) -> None:
    pass


def start() -> ToyNetwork:
    return ToyNetwork(torch.full((8,), 0.5))


def test_training_is_kept_where_it_helps(tmp_path) -> None:
    outcome = run_stage(toy_craft(), start(), StagePlan(tmp_path, 30), quiet)
    assert outcome.loss < 0.05
    assert not outcome.note


def test_a_finished_stage_is_read_and_not_run_again(tmp_path) -> None:
    first = run_stage(toy_craft(), start(), StagePlan(tmp_path, 30), quiet)
    again = run_stage(toy_craft(rate=math.nan), start(), StagePlan(tmp_path, 30), quiet)
    assert torch.equal(first.network.weight, again.network.weight)
    assert again.loss == first.loss


@pytest.mark.parametrize("killed_at", [1, 9, 10, 11, 25])
def test_a_killed_stage_ends_where_it_would_have_ended(tmp_path, killed_at) -> None:
    whole = run_stage(toy_craft(), start(), StagePlan(tmp_path / "whole", 30), quiet)

    def kill(step, weight) -> None:
        if step == killed_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(toy_craft(spoil=kill), start(), StagePlan(tmp_path / "killed", 30), quiet)
    resumed = run_stage(toy_craft(), start(), StagePlan(tmp_path / "killed", 30), quiet)
    assert torch.equal(resumed.network.weight, whole.network.weight)


def test_a_loss_that_is_no_number_goes_back_to_the_best_milestone(tmp_path) -> None:
    craft = toy_craft(spoil=lambda step, weight: math.nan if step == 15 else None)
    outcome = run_stage(craft, start(), StagePlan(tmp_path, 30), quiet)
    assert "diverged at step 16" in outcome.note
    assert outcome.loss < 0.5
    assert torch.isfinite(outcome.network.weight).all()


def test_a_student_that_runs_away_is_stopped_and_its_start_kept(tmp_path) -> None:
    craft = toy_craft(rate=-0.3)
    outcome = run_stage(craft, start(), StagePlan(tmp_path, 30), quiet)
    assert "ran away by step 10" in outcome.note
    assert torch.equal(outcome.network.weight, start().weight)


def test_a_student_at_a_negligible_distance_is_left_alone(tmp_path) -> None:
    near = toy_craft(negligible=0.5, rate=math.nan)
    outcome = run_stage(near, start(), StagePlan(tmp_path / "near", 30), quiet)
    assert torch.equal(outcome.network.weight, start().weight)
    assert not outcome.note
    further = toy_craft(negligible=0.49)
    assert run_stage(further, start(), StagePlan(tmp_path / "further", 30), quiet).loss < 0.05


def test_a_full_disk_is_told_and_leaves_the_last_state(tmp_path, monkeypatch) -> None:
    real, calls = torch.save, []

    def full(content, path) -> None:
        calls.append(path)
        if len(calls) == 3:
            path.write_bytes(b"half")
            raise RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed")
        real(content, path)

    monkeypatch.setattr(trainer.torch, "save", full)
    with pytest.raises(RunError, match="Free some space, then run the same command again"):
        run_stage(toy_craft(), start(), StagePlan(tmp_path, 30), quiet)
    assert not list(tmp_path.glob("*.tmp"))
    monkeypatch.undo()
    whole = run_stage(toy_craft(), start(), StagePlan(tmp_path / "whole", 30), quiet)
    assert torch.equal(
        run_stage(toy_craft(), start(), StagePlan(tmp_path, 30), quiet).network.weight, whole.network.weight
    )


def test_half_a_file_is_not_taken_for_a_network(tmp_path) -> None:
    path = tmp_path / "finished.pt"
    save_network(path, Outcome(start(), 0.5))
    assert load_network(toy_craft(), path) is not None
    path.unlink()
    (tmp_path / "finished.tmp").write_bytes(b"half")
    assert load_network(toy_craft(), path) is None


def test_losses_and_judgements_are_logged(tmp_path) -> None:
    run_stage(toy_craft(), start(), StagePlan(tmp_path, 30), quiet)
    rows = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text().splitlines()]
    judged = [json.loads(line) for line in (tmp_path / "judged.jsonl").read_text().splitlines()]
    assert [row["step"] for row in judged] == [10, 20, 30]
    assert rows[-1]["step"] == 30
    assert rows[-1]["loss"] < rows[0]["loss"]
