"""Cost tables and budget solver against brute force."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from autocompress.objectives import DEFAULT_OBJECTIVES, Constraint
from autocompress.space import Candidate, SearchSpace, load_space
from autocompress.study import Task
from autocompress.study.cost import CostModel, fit_costs
from autocompress.study.encoding import Encoding
from autocompress.study.sensitivity import measure_sensitivity
from autocompress.study.solver import BudgetSolver, Infeasible, Solution
from autocompress.study.testing import FULL_DIMENSIONS, REFERENCE_DIMENSIONS, SyntheticEvaluator

TASK = Task(DEFAULT_OBJECTIVES, (Constraint("size_mb", "max", 80.0),))


def fitted(name: str, dimensions: dict) -> CostModel:
    return fit_costs(Encoding(load_space(name, dimensions)), TASK, SyntheticEvaluator(dimensions))


def few_choices() -> SearchSpace:
    """A part of the quick space that is small enough to be listed, guard and shared storage included."""
    quick = load_space("quick", REFERENCE_DIMENSIONS)
    kept = [c for c in quick.choices if c.role in ("recipe", "layer", "channels") or "vocoder" in c.name]
    names = {c.name for c in kept}
    factors = tuple(f for f in (tuple(n for n in f if n in names) for f in quick.factors) if f)
    return SearchSpace("few", tuple(kept), factors=factors, erases=quick.erases)


def made_up_losses(encoding: Encoding) -> list[np.ndarray]:
    """Losses that grow along each choice, drawn once."""
    generator = np.random.default_rng(0)
    losses = [np.sort(generator.random(len(c.options))) for c in encoding.choices]
    return [np.where(np.arange(len(x)) == 0, 0.0, x) for x in losses]


@pytest.mark.parametrize("name", ["quick", "gpt-sovits", "precision-only"])
def test_rows_and_points_are_the_same_points(name: str) -> None:
    encoding = Encoding(load_space(name, REFERENCE_DIMENSIONS))
    for row in encoding.random(60, np.random.default_rng(0)):
        point = encoding.decode(row)
        assert encoding.space.faults(point) == []
        assert encoding.space.repair(point) == point
        assert (encoding.encode(point) == row).all()


@pytest.mark.parametrize("name", ["quick", "gpt-sovits", "precision-only"])
@pytest.mark.parametrize("dimensions", [REFERENCE_DIMENSIONS, FULL_DIMENSIONS])
def test_a_batch_of_rows_is_repaired_as_the_space_repairs_points(name: str, dimensions: dict) -> None:
    encoding = Encoding(load_space(name, dimensions))
    drawn = np.random.default_rng(3).integers(
        -1, encoding.n_options, size=(80, len(encoding.choices))
    )  # -1: not named, so the default where it is active
    for row, repaired in zip(drawn, encoding.repair(drawn), strict=True):
        named = {c.name: c.options[i] for c, i in zip(encoding.choices, row, strict=True) if i >= 0}
        assert (encoding.encode(encoding.space.repair(named)) == repaired).all()


class NearCache(SyntheticEvaluator):
    """A device whose seconds cross factors: what stays after much was taken is quicker than its share."""

    def __call__(self, candidate, rung, seed):
        seen = super().__call__(candidate, rung, seed)
        latency = seen.measurements["latency_s"]
        whole = super().__call__(Candidate({}), rung, seed).measurements["latency_s"].value
        value = max(0.2 * latency.value, latency.value - 0.1 * (whole - latency.value))
        quicker = replace(latency, value=value, low=value, high=value)
        return replace(seen, measurements={**seen.measurements, "latency_s": quicker})


def test_a_cost_that_crosses_factors_is_shared_out_over_the_tables() -> None:
    encoding = Encoding(load_space("quick", REFERENCE_DIMENSIONS))
    cost = fit_costs(encoding, TASK, NearCache(REFERENCE_DIMENSIONS))
    plain = fitted("quick", REFERENCE_DIMENSIONS)
    assert cost.costs(encoding.teacher[None])[0, 1] == pytest.approx(plain.base[1])  # exact at the teacher
    rows = encoding.random(40, np.random.default_rng(5))
    device = NearCache(REFERENCE_DIMENSIONS)
    seen = [device(encoding.space.candidate(encoding.decode(r)), "free", 0) for r in rows]
    seconds = np.array([s.measurements["latency_s"].value for s in seen])
    assert np.median(np.abs(cost.costs(rows)[:, 1] / seconds - 1)) < 0.01
    assert np.median(np.abs(plain.costs(rows)[:, 1] / seconds - 1)) > 0.05  # what sums alone would say


@pytest.mark.parametrize("name", ["quick", "gpt-sovits", "precision-only"])
def test_cost_tables_add_up_to_the_free_rung(name: str) -> None:
    cost = fitted(name, REFERENCE_DIMENSIONS)
    assert cost.error < 1e-9  # the synthetic device has no cost across factors, so only rounding is left
    evaluator = SyntheticEvaluator(REFERENCE_DIMENSIONS)
    for row in cost.encoding.random(20, np.random.default_rng(1)):
        candidate = cost.encoding.space.candidate(cost.encoding.decode(row))
        seen = evaluator(candidate, "free", 0).measurements
        assert cost.costs(row[None])[0, :2] == pytest.approx(
            [seen["size_mb"].value, seen["latency_s"].value], rel=1e-9
        )


def test_a_cost_across_factors_is_seen_as_error() -> None:
    class Crossed(SyntheticEvaluator):
        def __call__(self, candidate, rung, seed):
            found = super().__call__(candidate, rung, seed)
            both = "gpt.keep.1" in candidate.values and "storage.sovits.flow" in candidate.values
            if both:
                seen = found.measurements["size_mb"]
                found.measurements["size_mb"] = type(seen).exact("size_mb", 1.5 * seen.value)
            return found

    encoding = Encoding(load_space("gpt-sovits", REFERENCE_DIMENSIONS))
    assert fit_costs(encoding, TASK, Crossed(REFERENCE_DIMENSIONS)).error > 0.05


@pytest.mark.parametrize("share", [0.95, 0.85, 0.75, 0.3])
def test_the_solver_finds_the_best_of_all_points(share: float) -> None:
    cost = fit_costs(Encoding(few_choices()), TASK, SyntheticEvaluator())
    quality = made_up_losses(cost.encoding)
    every = np.array(list(product(*(range(n) for n in cost.encoding.n_options))))
    rows = np.unique(cost.encoding.repair(every), axis=0)
    limits = {"size_mb": share * cost.base[0], "latency_s": share * cost.base[1]}
    costs = cost.costs(rows)
    fits = (costs[:, 0] <= limits["size_mb"]) & (costs[:, 1] <= limits["latency_s"])
    losses = sum(np.where(rows[:, i] >= 0, q[rows[:, i]], 0.0) for i, q in enumerate(quality))
    answer = BudgetSolver(cost, quality).solve(limits)
    assert isinstance(answer, Solution) == fits.any()
    if isinstance(answer, Infeasible):
        return
    assert answer.costs["size_mb"] <= limits["size_mb"] * (1 + 1e-6)
    assert answer.quality_loss <= losses[fits].min() * 1.011 + 1e-9  # the solver's own gap is 1 %
    assert answer.quality_loss >= losses[fits].min() - 1e-9


def test_an_impossible_budget_names_what_binds_and_what_relaxing_it_takes() -> None:
    cost = fitted("quick", REFERENCE_DIMENSIONS)
    solver = BudgetSolver(cost, made_up_losses(cost.encoding))
    least = solver.least("size_mb", {})
    answer = solver.solve({"size_mb": 0.9 * least.costs["size_mb"], "latency_s": cost.base[1]})
    assert isinstance(answer, Infeasible)
    assert answer.binding == ("size_mb",)
    size, latency = answer.prices
    assert size.needed == pytest.approx(least.costs["size_mb"], rel=1e-6)
    assert latency.needed is None
    relaxed = solver.solve({"size_mb": size.needed * 1.001, "latency_s": cost.base[1]})
    assert isinstance(relaxed, Solution)


def test_the_sweep_is_a_front_between_the_teacher_and_the_smallest() -> None:
    cost = fitted("quick", REFERENCE_DIMENSIONS)
    answers = BudgetSolver(cost, made_up_losses(cost.encoding)).sweep(("size_mb", "latency_s"), 3, {})
    assert len(answers) >= 3
    losses = sorted((s.costs["size_mb"], s.quality_loss) for s in answers)
    assert losses[0][1] > losses[-1][1]


@pytest.mark.parametrize(("dimensions", "seconds"), [(REFERENCE_DIMENSIONS, 2.0), (FULL_DIMENSIONS, 10.0)])
def test_any_budget_is_answered_in_seconds(dimensions: dict, seconds: float) -> None:
    cost = fitted("gpt-sovits", dimensions)
    table = measure_sensitivity(cost.encoding, SyntheticEvaluator(dimensions).quality_loss, checks=0)
    solver = BudgetSolver(cost, table.quality(cost.encoding))
    limits = {"size_mb": 0.2 * cost.base[0], "latency_s": 0.4 * cost.base[1]}
    start = time.process_time()  # not the wall's: other work may share this machine
    assert isinstance(solver.solve(limits), Solution)
    assert time.process_time() - start < seconds


def test_nothing_is_written_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    cost = fitted("gpt-sovits", FULL_DIMENSIONS)
    solver = BudgetSolver(cost, made_up_losses(cost.encoding))
    solver.solve({"size_mb": 0.15 * cost.base[0], "latency_s": 0.3 * cost.base[1]})
    assert capfd.readouterr().out == ""


_NOISY_SOLVER = """
import ctypes
from autocompress.study import solver
solver.milp = lambda *given, **more: ctypes.CDLL(None).printf(b"a note of HiGHS")
print("before", end=" ")
solver._milp([1.0], [1.0], None, [])
print("after")
"""


@pytest.mark.skipif(os.name != "posix", reason="the C library is found by another name")
def test_what_the_solver_prints_in_c_never_reaches_a_pipe() -> None:
    """Into a pipe C's standard output is buffered, so that a note could come after the answer."""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    printed = subprocess.run(
        [sys.executable, "-c", _NOISY_SOLVER], env=buffered, check=True, capture_output=True, text=True
    )
    assert printed.stdout == "before after\n"
    assert printed.stderr == ""


@pytest.mark.parametrize("name", ["quick", "gpt-sovits"])
def test_a_model_with_a_spare_vocoder_is_answered_with_one_vocoder(name: str) -> None:
    """In the quick space module, widths and recipe meet in one factor, whose guards look outside of it."""
    cost = fitted(name, REFERENCE_DIMENSIONS | {"sovits.vocoder.hidden": 576})
    encoding = cost.encoding
    solver = BudgetSolver(cost, made_up_losses(encoding))
    for share in (0.9, 0.5, 0.4):
        found = solver.solve({"size_mb": share * cost.base[0], "latency_s": share * cost.base[1]})
        assert isinstance(found, Solution)
        assert encoding.space.faults(found.point) == []
