"""Fronts, rungs, stores and second devices."""

import json
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from autocompress.errors import InfeasibleError
from autocompress.objectives import DEFAULT_OBJECTIVES, Constraint, Measurement, dominates, hypervolume
from autocompress.space import Candidate
from autocompress.study import Budget, Evaluation, EvaluationStore, Fingerprint, Settings, Task, rungs, store
from autocompress.study.fingerprint import relevant
from autocompress.study.rungs import RungTable, Standing, ranked
from autocompress.study.testing import SyntheticEvaluator

ALL_RUNGS = Settings(sampler="nsga2", rungs=("divergence", "speech", "distillation"), finalists=4)


class Counting(SyntheticEvaluator):
    """Remembers what it was asked for."""

    asked: list = []  # noqa: RUF012  (shared on purpose: the dataclass is frozen)

    def __call__(self, candidate, rung, seed):
        if rung != "free":
            self.asked.append((candidate.id, rung))
        return super().__call__(candidate, rung, seed)


@pytest.fixture
def counting():
    Counting.asked.clear()
    return Counting()


def test_the_front_holds_what_nothing_feasible_dominates(make_study) -> None:
    study = make_study(task=Task(DEFAULT_OBJECTIVES, (Constraint("size_mb", "max", 90.0),)))
    front = study.run(Budget(trials=80))
    ran = [t for t in study.trials() if t.feasible(study.task)]
    assert all(t.measurements["size_mb"].value <= 90 for t in front.trials)
    for trial in ran:
        beaten = any(dominates(other.losses(study.task), trial.losses(study.task)) for other in ran)
        assert beaten == (trial.number not in {t.number for t in front.trials})


def test_picks_are_the_ends_and_the_knee(make_study) -> None:
    front = make_study().run(Budget(trials=60))
    values = {
        k: [t.measurements[k].value for t in front.trials] for k in ("size_mb", "latency_s", "quality_loss")
    }
    assert front.smallest().measurements["size_mb"].value == min(values["size_mb"])
    assert front.fastest().measurements["latency_s"].value == min(values["latency_s"])
    assert front.best().measurements["quality_loss"].value == min(values["quality_loss"])
    assert front.pick("knee") == front.knee()
    assert front.pick(str(front.best().number)) == front.best()
    with pytest.raises(InfeasibleError, match="no trial 'zzz'"):
        front.pick("zzz")


def test_the_files_say_the_same_as_the_front(make_study) -> None:
    study = make_study()
    front = study.run(Budget(trials=40))
    table = pd.read_csv(study.folder / "front.csv")
    assert list(table["number"]) == [t.number for t in front.trials]
    assert {"size_mb_low", "size_mb_high", "quality_loss_source", "gpt.depth"} <= set(table.columns)
    assert len(front.to_pandas()) == len(front)
    saved = json.loads((study.folder / "front.json").read_text())
    assert saved["hypervolume"] == pytest.approx(hypervolume(front.losses, front.reference))
    assert saved["teacher"]["size_mb"]["value"] > max(table["size_mb"])
    assert saved["provenance"]["seed"] == 0
    assert saved["reference"] == list(study.reference)


def test_hypervolume_grows_and_its_reference_is_fixed(make_study) -> None:
    seen = []
    front = make_study().run(Budget(trials=40), lambda p: seen.append(p.hypervolume))
    assert seen == sorted(seen)
    assert [v for _, v in front.history] == seen
    assert front.hypervolume == pytest.approx(seen[-1])


def test_an_impossible_bound_ends_with_the_nearest_point(make_study) -> None:
    study = make_study(task=Task(DEFAULT_OBJECTIVES, (Constraint("size_mb", "max", 5.0),)))
    front = study.run(Budget(trials=20))
    assert len(front) == 0
    with pytest.raises(InfeasibleError, match=r"nearest is trial \d+ .*size_mb misses by"):
        front.best()
    assert "best" not in json.loads((study.folder / "front.json").read_text())["picks"]


def test_a_bound_on_quality_keeps_worse_candidates_off_the_front(make_study) -> None:
    task = Task(DEFAULT_OBJECTIVES, (Constraint("sid", "max", 0.2),))
    front = make_study(task=task, settings=Settings(sampler="nsga2", rungs=("speech",))).run(
        Budget(trials=60)
    )
    assert len(front) > 0
    assert all(t.measurements["sid"].upper(0.9) <= 0.2 for t in front.trials)


def test_no_candidate_is_evaluated_twice_at_a_rung(make_study, counting) -> None:
    make_study(evaluate=counting, settings=ALL_RUNGS).run(Budget(trials=60))
    assert len(counting.asked) == len(set(counting.asked))


def test_only_what_did_well_rises(make_study, counting) -> None:
    study = make_study(evaluate=counting, settings=ALL_RUNGS)
    front = study.run(Budget(trials=60))
    untrained = {t.candidate.id: relevant(t.candidate, "speech").id for t in study.trials()}  # no recipe
    by_rung = {r: [untrained[c] for c, rung in counting.asked if rung == r] for r in ALL_RUNGS.rungs}
    assert len(by_rung["divergence"]) > len(by_rung["speech"]) > len(by_rung["distillation"]) > 0
    assert set(by_rung["distillation"]) <= set(by_rung["speech"]) <= set(by_rung["divergence"])
    assert all(t.rung == "distillation" for t in front.trials)


def test_ranks_come_before_loneliness_and_broken_bounds_last() -> None:
    standings = [
        Standing(0, (1.0, 1.0)),
        Standing(1, (0.0, 2.0)),
        Standing(2, (2.0, 0.0)),
        Standing(3, (3.0, 3.0)),
        Standing(4, (0.0, 0.0), excess=0.5),
    ]
    order = [s.number for s in ranked(standings)]
    assert set(order[:2]) == {1, 2}
    assert order[2:] == [0, 3, 4]


def test_a_third_of_a_rung_rises_once() -> None:
    table = RungTable(("divergence", "speech"), eta=3.0)
    risen = []
    for number in range(9):
        table.record("divergence", Standing(number, (float(9 - number), 1.0)))
        while (rising := table.next_promotion()) is not None:
            risen.append(rising[0])
    assert len(risen) == len(set(risen)) >= 3
    assert 8 in risen


def test_thousands_of_results_are_not_ranked_anew_for_each_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    monkeypatch.setattr(rungs, "ranked", lambda known: sizes.append(len(known)) or ranked(known))
    table = RungTable(("divergence", "speech"), eta=3.0)
    risen = set()
    for number, loss in enumerate(np.random.default_rng(0).random(800)):
        table.record("divergence", Standing(number, (float(loss), 1.0)))
        while (rising := table.next_promotion()) is not None:
            risen.add(rising[0])
    assert sizes[:199] == list(range(1, 200))  # a short search ranks after every result
    assert len(sizes) < 450
    assert len(risen) >= 800 / 3 - 800 / 200


def test_a_second_device_needs_no_new_quality_evaluation(make_study, counting, tmp_path) -> None:
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    settings = Settings(sampler="solver")
    make_study("first", evaluate=counting, settings=settings, storage=shared).run(Budget(trials=60))
    counting.asked.clear()
    slower = Counting(slow=2.5)
    second = {"evaluate": slower, "fingerprint": Fingerprint("synthetic", device="slow")}
    front = make_study("second", settings=settings, storage=shared, **second).run(Budget(trials=0))
    assert counting.asked == []
    scratch = make_study("scratch", settings=settings, **second).run(Budget(trials=60))
    assert front.reference == scratch.reference
    assert front.hypervolume >= 0.95 * scratch.hypervolume


def test_what_another_search_knows_beyond_the_bounds_of_this_one_is_learnt_from(
    make_study, counting, tmp_path
) -> None:
    """Single decisions of a large teacher break any tight bound; without them nothing is believed rightly."""
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    settings = Settings(sampler="solver")
    make_study("wide", settings=settings, storage=shared).run(Budget(trials=40))
    task = Task(DEFAULT_OBJECTIVES, (Constraint("size_mb", "max", 30.0),))
    tight = make_study("tight", evaluate=counting, settings=settings, storage=shared, task=task)
    front = tight.run(Budget(trials=10))
    known = [trial for trial in tight.trials() if trial.origin == "known"]
    assert any(trial.measurements["size_mb"].value > 30.0 for trial in known)
    assert all("quality_loss" in trial.measurements for trial in known)
    assert len(counting.asked) <= 11, "ten trials and, if need be, the teacher: no screen again"
    assert all(trial.measurements["size_mb"].value <= 30.0 for trial in front.trials)


def test_another_teacher_data_or_code_is_evaluated_anew(make_study, counting, tmp_path) -> None:
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    base = {"teacher": "synthetic", "data": "d", "code": {"divergence": "1"}}
    for folder, change in (("a", {}), ("b", {"teacher": "x"}), ("c", {"data": "y"}), ("d", {"code": {}})):
        counting.asked.clear()
        fingerprint = Fingerprint(**(base | change))
        study = make_study(folder, evaluate=counting, storage=shared, fingerprint=fingerprint)
        study.run(Budget(trials=3))
        assert len(counting.asked) == 4, "three trials and the teacher"


def test_the_recipe_changes_no_evaluation_before_distillation() -> None:
    one = Candidate({"gpt.ffn.0": 512, "recipe.steps": 1000, "recipe.temperature": 4.0})
    two = Candidate({"gpt.ffn.0": 512})
    key = Fingerprint("t").key
    assert key(one, "divergence", 0) == key(two, "divergence", 0)
    assert key(one, "distillation", 0) != key(two, "distillation", 0)


@pytest.mark.parametrize("dialect", ["sqlite", "one without a way of its own"])
def test_an_evaluation_that_is_there_stays_and_none_is_written_twice(tmp_path, dialect: str) -> None:
    """Two searches may finish the same evaluation at the same moment."""
    kept = EvaluationStore(f"sqlite:///{tmp_path / 'store.db'}")
    kept._add = store._adding(store._EVALUATIONS, dialect)
    first, second = (Evaluation.of(Measurement.exact("quality_loss", value)) for value in (0.1, 0.2))
    for key, seen in (("a", first), ("a", second), ("b", second)):
        kept.save([store.entry(key, Candidate(), "divergence", seen)])
    assert (kept.get("a"), kept.get("b"), kept.count()) == (first, second, 2)
    kept.close()


def test_a_store_gives_back_what_was_put_in(tmp_path) -> None:
    from autocompress.study.store import entry

    store = EvaluationStore(f"sqlite:///{tmp_path / 's.db'}")
    seen = Evaluation.of(Measurement("mos", 3.0, 2.5, 3.5, "measured"), seconds=1.5)
    store.save(
        [entry("k", Candidate(), "speech", seen), entry("f", Candidate(), "speech", Evaluation.failed("NaN"))]
    )
    assert store.get("k") == seen
    assert store.get("f").failure == "NaN"
    assert store.get("other") is None
    store.save([entry("k", Candidate(), "speech", Evaluation.failed("later"))])
    assert store.get("k") == seen


def test_a_failed_candidate_is_a_trial_with_its_reason(make_study) -> None:
    class Half(SyntheticEvaluator):
        def __call__(self, candidate, rung, seed):
            if rung != "free" and candidate.values.get("storage.sovits.flow") == "int8":
                return Evaluation.of(Measurement("quality_loss", float("nan"), 0, 0, "measured"))
            return super().__call__(candidate, rung, seed)

    study = make_study(evaluate=Half())
    front = study.run(Budget(trials=40))
    failed = [t for t in study.trials() if t.state == "failed"]
    assert failed
    assert "finite" in failed[0].failure
    assert not {t.number for t in failed} & {t.number for t in front.trials}


@pytest.mark.parametrize("bad", [{"trials": -1}, {}, {"seconds": 0}])
def test_a_budget_without_sense_is_refused(bad: dict) -> None:
    with pytest.raises(ValueError, match="budget"):
        Budget(**bad)


def test_a_budget_in_seconds_ends_in_time(make_study) -> None:
    study = make_study(evaluate=SyntheticEvaluator(delay_s=0.02))
    study.run(Budget(seconds=0.5))
    count = len(study.trials())
    assert 0 < count < 60
    study.run(Budget(seconds=0.5))
    assert len(study.trials()) == count, "the time of earlier sessions counts"


class Clock:
    """Stands still while nobody evaluates."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@dataclass(frozen=True)
class Slow(SyntheticEvaluator):
    """A second at the first rung, ten at the next."""

    clock: Clock = field(default_factory=Clock)

    def __call__(self, candidate, rung, seed):
        self.clock.now += {"free": 0.0, "divergence": 1.0, "speech": 10.0}[rung]
        return super().__call__(candidate, rung, seed)


@pytest.mark.parametrize("eta", [3.0, 50.0])  # the fewer rise on the way, the more are left for the end
def test_the_last_climb_of_the_front_is_within_the_time(make_study, monkeypatch, eta) -> None:
    clock = Clock()
    monkeypatch.setattr("autocompress.study.loop.time", clock)
    settings = Settings(sampler="nsga2", rungs=("divergence", "speech"), finalists=12, eta=eta)
    front = make_study(evaluate=Slow(clock=clock), settings=settings).run(Budget(seconds=300.0))
    assert {trial.rung for trial in front.trials} == {"speech"}
    teacher_s = 11.0
    assert 240.0 < clock.now - teacher_s <= 311.0  # one evaluation may end late
