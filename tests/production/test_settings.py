"""How much is trained: the recipe, the user, the clock."""

import json
import math
from dataclasses import replace

import pytest

from autocompress.errors import RequestError
from autocompress.metrics.teacher_forced import KL_SCALE_NATS, MEL_SCALE_DB
from autocompress.production import gpt_craft, sovits_craft
from autocompress.production import training as module
from autocompress.production.schedule import MOST_ROUNDING, SHARES, steps_of, train_part
from autocompress.production.settings import AUTO_STEPS, Recipe, TrainingSettings, Within, read_steps
from autocompress.production.stage import StagePlan, run_stage
from autocompress.production.training import School, crafts_of, lessons_of, needs_training, train_student
from autocompress.space import Candidate
from tests.production.toy_craft import ToyCraft, ToyNetwork, toy_craft


@pytest.mark.parametrize(
    ("word", "steps"),
    [
        ("auto", "auto"),
        ("AUTO", "auto"),
        ("0", 0),
        ("250", 250),
        ("10m", Within(600.0)),
        ("1.5 h", Within(5400.0)),
    ],
)
def test_steps_are_auto_a_number_or_a_time(word, steps) -> None:
    assert read_steps(word) == steps


@pytest.mark.parametrize("word", ["", "-1", "many", "1.5", "0m", "-3m", "10d", "1e3", "²"])
def test_other_steps_are_refused(word) -> None:
    with pytest.raises(RequestError, match="--distil-steps"):
        read_steps(word)


def test_the_recipe_decides_what_the_user_leaves_open() -> None:
    recipe = Recipe.of(
        Candidate({"recipe.steps": 3000, "recipe.temperature": 6.0, "recipe.soft_weight": 0.7})
    )
    assert recipe == Recipe(3000, 6.0, 0.3)
    assert recipe.wished("auto") == 3000
    assert recipe.wished(40) == 40
    assert recipe.wished(0) == 0
    assert Recipe.of(Candidate()).wished("auto") == AUTO_STEPS


@pytest.mark.parametrize("lost", [-3.0, 0.0, 0.05])
def test_rounding_that_costs_little_keeps_its_share_of_the_steps(lost) -> None:
    assert steps_of(("distil", "prune", "qat"), 1000, lost) == {"distil": 400, "prune": 500, "qat": 100}
    assert steps_of(("prune", "qat"), 600, lost) == {"prune": 500, "qat": 100}


def test_rounding_gets_the_steps_of_the_loss_that_it_causes() -> None:
    assert steps_of(("prune", "qat"), 1000, 0.5) == {"prune": 500, "qat": 500}
    divided = steps_of(("distil", "prune", "qat"), 1000, 0.99)
    assert divided["qat"] == round(1000 * MOST_ROUNDING)
    assert divided["prune"] / divided["distil"] == pytest.approx(SHARES["prune"] / SHARES["distil"], rel=0.01)


def test_a_stage_alone_has_all_the_steps() -> None:
    assert steps_of(("qat",), 70, 0.3) == {"qat": 70}
    assert steps_of(("prune",), 70, 0.0) == {"prune": 70}
    assert steps_of((), 70, 0.0) == {}


class RoundedToy(ToyCraft):
    """Rounding takes 0.3 from each of its weights."""

    @property
    def quantizes(self) -> bool:
        return True

    def delivered(self, network):
        return ToyNetwork(network.weight.detach() - 0.3)


@pytest.mark.parametrize(("fault", "qat"), [(0.001, 36), (0.1, 14)])
def test_a_half_trains_where_its_loss_is(fault, qat, tmp_path) -> None:
    """Of ten units each takes ``fault`` from what stays: 0.01 beside 0.3 of rounding, or 1 beside it."""
    cut = toy_craft(100, 90)
    craft = RoundedToy(cut.teacher, cut.decisions, fault=fault)
    train_part(
        craft,
        craft.shape(craft.teacher, cut.decisions.architecture),
        60,
        tmp_path,
        TrainingSettings(),
        lambda *_: None,
    )
    judged = [
        json.loads(line) for line in (tmp_path / "3-qat" / "judged.jsonl").read_text("utf-8").splitlines()
    ]
    assert judged[-1]["step"] == qat


def test_what_only_becomes_halves_needs_no_training(teacher) -> None:
    assert needs_training(teacher, Candidate({"storage.gpt.head": "fp16"})) == ()
    assert needs_training(teacher, Candidate({"storage.sovits.vocoder": "int8"})) == ()
    assert needs_training(teacher, Candidate({"storage.sovits.prior": "int8"})) == ("front",)
    assert needs_training(teacher, Candidate({"gpt.keep.1": False})) == ("gpt",)
    both = Candidate({"sovits.vocoder.kernels.0": "3", "sovits.flow.channels": 12})
    assert needs_training(teacher, both) == ("front", "vocoder")


def school(teacher, folder, **settings) -> School:
    asked = TrainingSettings(**({"n_lessons": 4, "n_held_out": 2, "gpt_batch": 2} | settings))
    return School(teacher, "tiny", list(teacher.voices.values()), folder, asked)


@pytest.mark.parametrize(("rates", "close", "far"), [(gpt_craft, 0.02, 2.0), (sovits_craft, 1.0, 20.0)])
def test_who_is_close_to_the_teacher_is_taught_with_small_steps(rates, close, far) -> None:
    assert 0 < rates.rate_at(0.0) <= rates.rate_at(close) < 0.3 * rates.rate_at(far)
    assert rates.rate_at(far) <= rates.rate_at(math.inf) == rates.HIGHEST_RATE


def test_a_short_stage_brings_a_barely_pruned_gpt_closer(teacher, tmp_path) -> None:
    candidate = Candidate({f"gpt.ffn.{layer}": 112 for layer in range(4)})
    here = school(teacher, tmp_path, steps=16, n_lessons=8)
    craft = replace(crafts_of(here, candidate, lessons_of(here, 16).taught)[0], calibration=())
    pruned = craft.shape(teacher.gpt, candidate)  # cut alone: what stays takes over so much that none is left
    outcome = run_stage(craft, pruned, StagePlan(tmp_path / "stage", 16, milestones=1), lambda *_: None)
    assert not outcome.note
    assert outcome.loss < 0.9 * craft.loss(pruned)


def test_no_steps_leave_the_student_as_it_is(teacher, tmp_path) -> None:
    trained = train_student(school(teacher, tmp_path, steps=0), Candidate({"gpt.keep.1": False}))
    assert trained.note == "training was switched off"
    assert not list(tmp_path.iterdir())


def test_a_clock_shortens_auto_and_says_what_would_train_all(teacher, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "seconds_per_step", lambda craft, settings, room_s: 5.0)
    candidate = Candidate({"gpt.keep.1": False, "recipe.steps": 1000})
    trained = train_student(school(teacher, tmp_path, limit_s=200.0), candidate)
    (part,) = trained.parts
    assert 20 <= part.steps <= 40
    assert "--distil-steps 1000 trains them all" in trained.note


def test_what_does_not_fit_at_all_is_not_trained_and_told(teacher, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "seconds_per_step", lambda craft, settings, room_s: 60.0)
    trained = train_student(school(teacher, tmp_path, limit_s=30.0), Candidate({"gpt.keep.1": False}))
    assert trained.parts == ()
    assert "gpt 0" in trained.note


def test_a_second_run_makes_the_same_steps_whatever_the_clock_says(teacher, tmp_path, monkeypatch) -> None:
    candidate = Candidate({"gpt.keep.1": False})
    monkeypatch.setattr(module, "seconds_per_step", lambda craft, settings, room_s: 0.5)
    first = train_student(school(teacher, tmp_path, limit_s=15.0), candidate)
    monkeypatch.setattr(module, "seconds_per_step", lambda craft, settings, room_s: 0.1)
    again = train_student(school(teacher, tmp_path, limit_s=15.0), candidate)
    assert first.to_dict() == again.to_dict()
    (summary,) = tmp_path.glob("*/summary.json")
    assert json.loads(summary.read_text()) == again.to_dict()


def test_a_time_is_filled_and_goes_where_the_loss_is(teacher, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "UNHEARD_DB", 0.0)
    monkeypatch.setattr(module, "seconds_per_step", lambda craft, settings, room_s: 1.0)
    candidate = Candidate({"gpt.keep.1": False, "storage.sovits.prior": "int8"})
    trained = train_student(school(teacher, tmp_path, steps=Within(400.0), qat=False), candidate)
    steps = {part.name: part.steps for part in trained.parts}
    assert 300 <= sum(steps.values()) <= 400
    gpt, front = (part.untrained_loss for part in trained.parts)
    least = sovits_craft.NEGLIGIBLE_DB
    share = math.sqrt(min(gpt / KL_SCALE_NATS, 1) / (max(front, least) / MEL_SCALE_DB))
    assert share > 1.2
    assert steps["gpt"] / steps["front"] == pytest.approx(share, rel=0.05)
    assert trained.note == ""


def test_a_time_too_short_says_which_part_it_left_alone(teacher, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "seconds_per_step", lambda craft, settings, room_s: 60.0)
    asked = school(teacher, tmp_path, steps=Within(30.0))
    trained = train_student(asked, Candidate({"gpt.keep.1": False}))
    assert trained.note == "30 s are too short to train the gpt"


def test_another_number_of_threads_goes_on_with_the_same_training(teacher, tmp_path) -> None:
    candidate = Candidate({"gpt.keep.1": False})
    first = train_student(school(teacher, tmp_path, steps=20, threads=1), candidate)
    again = train_student(school(teacher, tmp_path, steps=20, threads=2), candidate)
    assert first.to_dict() == again.to_dict()
    assert len(list(tmp_path.glob("*/summary.json"))) == 1
