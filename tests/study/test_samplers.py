"""The conformance suite that every sampler passes, and what is particular to some."""

import importlib.util
from itertools import groupby

import numpy as np
import pytest

from autocompress.errors import MissingExtraError, RequestError
from autocompress.objectives import DEFAULT_OBJECTIVES, Constraint
from autocompress.space import load_space
from autocompress.study import Budget, Settings, Task
from autocompress.study.samplers import SAMPLERS, Outcome, SamplerContext, make_sampler, pick_sampler, solver
from autocompress.study.surrogate import Belief
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator

HAS_NNI = importlib.util.find_spec("nni") is not None
NAMES = [
    pytest.param(
        n, marks=pytest.mark.skipif(n.startswith("nni") and not HAS_NNI, reason="extra nni is absent")
    )
    for n in SAMPLERS
]
TRIALS = {"gp": 24}  # a Gaussian process takes a second a trial; the opening and the solver make 20
BOUND = Constraint("size_mb", "max", 70.0)


@pytest.mark.parametrize("name", NAMES)
class TestSampler:
    """What any sampler must do."""

    def run(self, make_study, name: str, folder: str, seed: int = 3, **parts):
        study = make_study(folder, settings=Settings(sampler=name, seed=seed), **parts)
        study.run(Budget(trials=TRIALS.get(name, 40)))
        return study.trials()

    def test_the_same_seed_gives_the_same_trials(self, make_study, name: str) -> None:
        first = [t.candidate.id for t in self.run(make_study, name, "a")]
        assert first == [t.candidate.id for t in self.run(make_study, name, "b")]
        assert len(set(first)) >= TRIALS.get(name, 40)

    def test_another_seed_gives_other_trials(self, make_study, name: str) -> None:
        first = {t.candidate.id for t in self.run(make_study, name, "a")}
        assert first != {t.candidate.id for t in self.run(make_study, name, "b", seed=4)}

    def test_every_point_lies_inside_of_the_space(self, make_study, name: str, quick) -> None:
        for trial in self.run(make_study, name, "a"):
            assert quick.faults(trial.point) == []

    def test_failures_and_broken_bounds_are_taken(self, make_study, name: str, quick) -> None:
        context = SamplerContext(
            quick, Task(DEFAULT_OBJECTIVES, (BOUND,)), 0, SyntheticEvaluator(), (134.0, 6.7, 1.0), 20
        )
        sampler = make_sampler(name, context)
        outcomes = [Outcome(None), Outcome((90.0, 3.0, 1.0), {"size_mb:max": 0.3}, ran=False)]
        for number in range(8):
            point = sampler.ask(number).point
            sampler.tell(number, point, outcomes[number % 2])

    def test_no_front_member_breaks_a_bound(self, make_study, name: str) -> None:
        task = Task(DEFAULT_OBJECTIVES, (BOUND,))
        study = make_study("bound", settings=Settings(sampler=name), task=task)
        front = study.run(Budget(trials=TRIALS.get(name, 40)))
        assert len(front) > 0
        assert all(t.measurements["size_mb"].value <= 70.0 for t in front.trials)


@pytest.mark.parametrize(
    ("unknown", "picked", "because"),
    [
        (["quality_loss"], "solver", "only quality_loss has to be measured"),
        (["quality_loss", "sid"], "nsga2", "quality_loss and sid have to be measured"),
        ([], "nsga2", "nothing to learn"),
    ],
)
def test_auto_picks_by_what_has_to_be_measured_and_says_why(unknown, picked: str, because: str) -> None:
    pick = pick_sampler("auto", unknown)
    assert pick.name == picked
    assert because in pick.reason


def test_an_unknown_sampler_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RequestError, match="nsga2"):
        pick_sampler("nsga22", ["quality_loss"])


def test_the_front_s_file_says_which_sampler_was_picked_and_why(make_study) -> None:
    front = make_study(settings=Settings(sampler="auto")).run(Budget(trials=4))
    assert front.provenance["sampler"] == "solver"
    assert "quality_loss" in front.provenance["sampler_reason"]


@pytest.mark.skipif(HAS_NNI, reason="extra nni is installed")
def test_a_missing_extra_is_named(make_study) -> None:
    with pytest.raises(MissingExtraError, match=r"autocompress\[nni\]"):
        make_study(settings=Settings(sampler="nni-tpe")).run(Budget(trials=1))


def test_the_solver_reaches_in_thirty_trials_what_random_misses_in_three_hundred(make_study) -> None:
    ours = make_study("ours", settings=Settings(sampler="solver")).run(Budget(trials=30))
    plain = make_study("plain", settings=Settings(sampler="random")).run(Budget(trials=300))
    assert ours.hypervolume > plain.hypervolume


@pytest.mark.parametrize("name", ["nsga2", "tpe"])
def test_optuna_s_samplers_begin_with_uniform_points_screens_and_the_solver_s(make_study, name: str) -> None:
    def origins(folder: str, *, seeded: bool) -> list[str]:
        study = make_study(folder, settings=Settings(sampler=name, seeded=seeded))
        study.run(Budget(trials=30))
        return [t.origin for t in study.trials()]

    begun = list(dict.fromkeys(origins("seeded", seeded=True)))
    assert begun == ["teacher", "uniform", "screen", "solver", name]
    assert set(origins("plain", seeded=False)) == {name}


@pytest.mark.parametrize("name", ["solver", "nsga2"])
def test_a_search_that_stops_early_under_tight_limits_has_something_that_holds_them(
    make_study, name: str
) -> None:
    task = Task(DEFAULT_OBJECTIVES, (Constraint("size_mb", "max", 25),))
    study = make_study(settings=Settings(sampler=name, rungs=("divergence",)), task=task)
    front = study.run(Budget(trials=2))
    assert [trial.origin for trial in study.trials()] == ["teacher", "solver"]
    assert front.best().measurements["size_mb"].value <= 25


def test_a_head_start_helps(make_study) -> None:
    seeded = make_study("seeded", settings=Settings(sampler="nsga2")).run(Budget(trials=60))
    plain = make_study("plain", settings=Settings(sampler="nsga2", seeded=False)).run(Budget(trials=60))
    assert seeded.hypervolume > plain.hypervolume


def test_of_the_least_losses_the_median_comes_first_and_then_what_may_be_less() -> None:
    belief = Belief(np.array([0.0, 0.2, 1.0]), np.array([0.1, 0.5, 3.0]), 0.0)
    assert solver._hopeful(belief, 1) == [0]
    assert solver._hopeful(belief, 3) == [0, 2, 2]
    assert solver._hopeful(Belief(belief.log_median, np.full(3, 0.1), 0.0), 3) == [0, 0, 0]


def test_inside_of_bounds_quality_alone_is_searched_for(quick) -> None:
    """What is believed best inside is no worse than what a population spread over the front has there."""
    evaluate, bounds = SyntheticEvaluator(), (Constraint("size_mb", "max", 40.0),)
    task = Task(DEFAULT_OBJECTIVES, bounds)
    sampler = solver.SolverSampler(SamplerContext(quick, task, 0, evaluate, (40.0, 6.7, 1.0), 30))
    for number in range(30):
        proposal = sampler.ask(number)
        seen = {
            m.key: m.value
            for rung in ("free", "divergence")
            for m in evaluate(quick.candidate(proposal.point), rung, 0).measurements.values()
        }
        losses = tuple(seen[o.key] for o in DEFAULT_OBJECTIVES)
        sampler.tell(number, proposal.point, Outcome(losses, {"size_mb:max": seen["size_mb"] / 40.0 - 1.0}))
    models = sampler._models(np.array(sampler._rows), np.array(sampler._losses))
    spread, best = (sampler._predict(models, rows) for rows in (sampler._population, sampler._best[0]))
    inside = spread[spread[:, -1] <= 0.0]
    assert (best[:, -1] <= 0.0).all()
    assert best[:, 2].min() <= inside[:, 2].min() and best[:, 2].max() < np.median(inside[:, 2])


def test_screens_of_single_choices_alternate_with_the_solver_s_points() -> None:
    """A search that its time stops among them has points to show that rest on what it knows by then."""
    space, evaluate = load_space("gpt-sovits", REFERENCE_DIMENSIONS), SyntheticEvaluator()
    task = Task(DEFAULT_OBJECTIVES, (Constraint("size_mb", "max", 15.0),))
    sampler = solver.SolverSampler(SamplerContext(space, task, 0, evaluate, (40.0, 6.7, 1.0), 1000))
    families = len(sampler._queue)
    origins = []
    for number in range(families + 40):
        proposal = sampler.ask(number)
        candidate = space.candidate(proposal.point)
        seen = evaluate(candidate, "free", 0).measurements | evaluate(candidate, "divergence", 0).measurements
        losses = tuple(o.loss(seen[o.key].value) for o in task.objectives)
        excess = {c.key: c.excess(seen[c.key]) for c in task.constraints}
        sampler.tell(number, proposal.point, Outcome(losses, excess))
        origins.append(proposal.origin)
    assert origins[families] == "solver"
    runs = [len(list(run)) for origin, run in groupby(origins[families:]) if origin == "screen"]
    assert len(runs) >= 2
    assert max(runs) <= solver._BETWEEN
