"""Killed at any moment, a search goes on as if nothing had happened."""

import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autocompress.errors import RunError
from autocompress.space import load_space
from autocompress.study import Budget, EvaluationStore, Settings, Study
from autocompress.study.lock import run_lock
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator

SAME_TRIALS = """
import sys
from pathlib import Path
from autocompress.objectives import DEFAULT_OBJECTIVES
from autocompress.space import load_space
from autocompress.study import Budget, Fingerprint, Settings, Study, Task
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator
quick, task = load_space("quick", REFERENCE_DIMENSIONS), Task(DEFAULT_OBJECTIVES)
folder, evaluate = Path(sys.argv[1]), SyntheticEvaluator()
study = Study(quick, task, evaluate, Fingerprint("synthetic"), folder, Settings(seed=3))
study.run(Budget(trials=30))
print(*(t.candidate.id for t in study.trials()))
"""
KILLS = 50
TRIALS = 120


def front_of(study: Study, budget: Budget) -> list[tuple]:
    return [(t.number, t.candidate.id, t.losses(study.task)) for t in study.run(budget).trials]


def search(study: Study) -> None:
    study.run(Budget(trials=TRIALS))


def test_killed_at_fifty_random_moments_it_ends_with_the_same_front(make_study) -> None:
    settings = Settings(sampler="nsga2", seed=5)
    slow = SyntheticEvaluator(delay_s=0.004)
    whole, broken = (make_study(f, settings=settings, evaluate=slow) for f in ("whole", "broken"))
    expected = front_of(whole, Budget(trials=TRIALS))
    moments = random.Random(7)
    context = multiprocessing.get_context("fork")
    kept = 0
    for _ in range(KILLS):
        child = context.Process(target=search, args=(make_study("broken", settings=settings, evaluate=slow),))
        child.start()
        time.sleep(moments.uniform(0.02, 0.4))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        now = len(make_study("broken", settings=settings).trials())
        assert now >= kept, "a finished trial was lost"
        kept = now
    assert kept > 0
    assert front_of(broken, Budget(trials=TRIALS)) == expected
    numbers = [t.number for t in broken.trials()]
    assert len(numbers) == len(set(numbers))
    assert [t.candidate.id for t in broken.trials()] == [t.candidate.id for t in whole.trials()]
    assert all(t.state != "running" for t in broken.trials()), "a zombie trial"


def test_the_default_sampler_goes_on_after_kills_with_the_trials_it_would_have_made(make_study) -> None:
    settings = Settings(seed=5)
    slow = SyntheticEvaluator(delay_s=0.05)
    whole = make_study("whole", settings=settings).run(Budget(trials=24))
    context = multiprocessing.get_context("fork")
    moments = random.Random(3)
    for _ in range(4):
        study = make_study("broken", settings=settings, evaluate=slow)
        child = context.Process(target=study.run, args=(Budget(trials=24),))
        child.start()
        time.sleep(moments.uniform(0.6, 1.6))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    kept = len(make_study("broken", settings=settings).trials())
    front = make_study("broken", settings=settings).run(Budget(trials=24))
    assert kept > 0, "never killed in the middle: nothing was tested"
    assert [t.candidate.id for t in front.trials] == [t.candidate.id for t in whole.trials]


def test_another_process_with_other_hashes_makes_the_same_trials(make_study, tmp_path: Path) -> None:
    """Nothing hangs on the order of a set, which differs from process to process."""
    made = []
    for hash_seed in ("1", "2"):
        command = [sys.executable, "-c", SAME_TRIALS, str(tmp_path / hash_seed)]
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        made.append(
            subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        )
    assert made[0] == made[1]
    assert len(made[0].split()) >= 30


def test_a_moved_folder_goes_on_where_it_was(make_study, tmp_path: Path) -> None:
    make_study("here").run(Budget(trials=20))
    (tmp_path / "here").rename(tmp_path / "there")
    again = make_study("there", evaluate=Refusing())
    assert len(again.run(Budget(trials=20)).trials) > 0


def test_two_folders_of_one_name_are_two_runs_in_a_shared_store(make_study, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    studies = [
        make_study(f"{parent}/run", storage=url, settings=Settings(sampler="random", reuse=False))
        for parent in "ab"
    ]
    for study in studies:
        study.run(Budget(trials=3))
    assert studies[0].name != studies[1].name
    assert len(studies[0].trials()) == 3


def test_nothing_finished_is_evaluated_again(make_study) -> None:
    make_study().run(Budget(trials=30))
    again = make_study(evaluate=Refusing())
    assert front_of(again, Budget(trials=30)) == front_of(make_study(), Budget(trials=30))


@pytest.mark.parametrize("sampler", ["random", "solver"])
def test_a_larger_budget_goes_on_from_the_smaller_one(make_study, sampler: str) -> None:
    settings = Settings(sampler=sampler)
    make_study("run", settings=settings).run(Budget(trials=20))
    before = make_study("run", settings=settings).trials()
    make_study("run", settings=settings).run(Budget(trials=50))
    after = make_study("run", settings=settings).trials()
    assert after[: len(before)] == before
    assert sum(t.state == "complete" for t in after) == 50


@pytest.mark.parametrize(
    ("space", "settings"),
    [
        ("quick", Settings(sampler="auto", workers=2)),
        ("quick", Settings(sampler="nsga2", workers=2)),
        ("gpt-sovits", Settings(sampler="nsga2", workers=2, seeded=False)),  # no solver: it takes seconds
    ],
)
def test_the_order_in_which_workers_finish_does_not_matter(make_study, space: str, settings) -> None:
    searched = load_space(space, REFERENCE_DIMENSIONS)
    studies = [make_study(str(d), space=searched, settings=settings, evaluate=Uneven(d)) for d in (0, 1)]
    fronts = [front_of(study, Budget(trials=24)) for study in studies]
    assert fronts[0] == fronts[1]
    made = [[t.candidate.id for t in study.trials()] for study in studies]
    assert made[0] == made[1]
    assert len(set(made[0])) >= 24


def test_a_worker_that_dies_costs_its_own_candidate_only(make_study) -> None:
    study = make_study(settings=Settings(sampler="random", workers=2), evaluate=Deadly())
    study.run(Budget(trials=12))
    states = [t.state for t in study.trials()]
    assert 0 < states.count("failed") < len(states)
    assert "died" in next(t.failure for t in study.trials() if t.state == "failed")


def test_a_second_search_on_the_folder_says_so_with_exit_code_2(make_study, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from autocompress.study.lock import run_lock\n"
        f"with run_lock(Path({str(tmp_path / 'run')!r})): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=f"in use by process {other.pid}") as caught:
            make_study().run(Budget(trials=2))
        other.kill()
    assert caught.value.exit_code == 2
    with run_lock(tmp_path / "run"):
        pass  # the dead holder's lock is gone


def test_a_folder_of_another_request_is_refused_with_the_difference(make_study) -> None:
    make_study().run(Budget(trials=2))
    with pytest.raises(RunError, match="seed: was 0, now 9"):
        make_study(settings=Settings(sampler="random", seed=9)).run(Budget(trials=2))


def test_a_full_disk_is_one_message_and_the_search_goes_on_once_there_is_room(make_study) -> None:
    study = make_study()
    study.store.close()
    pages = sqlite3.connect(study.folder / "store.db").execute("PRAGMA page_count").fetchone()[0]
    full = make_study()
    small = SmallStore(full.url, pages + 12)
    object.__setattr__(full, "store", small)
    with pytest.raises(RunError, match="full"):
        full.run(Budget(trials=200))
    saved = len(make_study().trials())
    assert saved > 0
    assert front_of(make_study(), Budget(trials=60)) == front_of(make_study("other"), Budget(trials=60))


def test_an_evaluator_that_always_fails_stops_the_search_with_its_reasons(make_study) -> None:
    with pytest.raises(RunError, match="no such graph"):
        make_study(evaluate=Broken()).run(Budget(trials=50))


class SmallStore(EvaluationStore):
    """A store on a disk of so many pages."""

    def __init__(self, url: str, pages: int) -> None:
        super().__init__(url)
        import sqlalchemy

        @sqlalchemy.event.listens_for(self._engine, "connect")
        def limit(connection, _) -> None:
            connection.execute(f"PRAGMA max_page_count={pages}")

        self._engine.dispose()


class Refusing(SyntheticEvaluator):
    """Only the free rung is allowed."""

    def __call__(self, candidate, rung, seed):
        assert rung == "free", "evaluated again"
        return super().__call__(candidate, rung, seed)


class Uneven(SyntheticEvaluator):
    """Slower for one half of the candidates; which half depends on ``seed``."""

    def __init__(self, parity: int) -> None:
        super().__init__(seed=0)
        object.__setattr__(self, "parity", parity)

    def __call__(self, candidate, rung, seed):
        if rung != "free" and int(candidate.id, 16) % 2 == self.parity:
            time.sleep(0.02)
        return super().__call__(candidate, rung, seed)


class Deadly(SyntheticEvaluator):
    """Kills its process on some candidates."""

    def __call__(self, candidate, rung, seed):
        if rung != "free" and candidate.values and int(candidate.id, 16) % 2 == 0:
            os._exit(9)
        return super().__call__(candidate, rung, seed)


class Broken(SyntheticEvaluator):
    def __call__(self, candidate, rung, seed):
        if rung != "free" and candidate.values:
            raise KeyError("no such graph")
        return super().__call__(candidate, rung, seed)
