"""A database server behind ``--storage``: run where ``pgserver`` and ``psycopg`` are installed, else skipped.

pip install pgserver "psycopg[binary]"
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autocompress.errors import RunError
from autocompress.study import Budget, Settings, Study
from autocompress.study.testing import SyntheticEvaluator

pgserver = pytest.importorskip("pgserver", reason="no PostgreSQL to start: pip install pgserver")
pytest.importorskip("psycopg", reason="no driver: pip install 'psycopg[binary]'")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pgserver.get_server(tmp_path_factory.mktemp("server"), cleanup_mode="delete")
    yield server.get_uri().replace("postgresql:", "postgresql+psycopg:", 1)
    server.cleanup()


@pytest.fixture
def make(make_study: Callable[..., Study]) -> Iterator[Callable[..., Study]]:
    """``make_study`` whose connections are closed at the end: psycopg warns of those that are not."""
    made: list[Study] = []

    def remembered(*args: object, **parts: object) -> Study:
        made.append(make_study(*args, **parts))
        return made[-1]

    yield remembered
    for study in made:
        study.store.close()


def test_a_search_on_postgresql_makes_the_trials_of_one_on_sqlite(make, url: str) -> None:
    settings = Settings(seed=4, rungs=("divergence", "speech"), reuse=False)
    there = make("there", settings=settings, storage=url)
    here = make("here", settings=settings)
    fronts = [study.run(Budget(trials=30)) for study in (there, here)]
    assert [t.candidate.id for t in there.trials()] == [t.candidate.id for t in here.trials()]
    assert fronts[0].hypervolume == fronts[1].hypervolume
    assert there.trials()[-1].measurements == here.trials()[-1].measurements
    assert not (there.folder / "store.db").exists()


def test_it_goes_on_after_it_was_stopped_and_evaluates_nothing_twice(make, url: str) -> None:
    settings = Settings(seed=5, reuse=False)
    make("on", settings=settings, storage=url).run(Budget(trials=12))
    before = make("on", settings=settings, storage=url).trials()
    counting = Counting()
    study = make("on", settings=settings, storage=url, evaluate=counting)
    study.run(Budget(trials=20))
    assert study.trials()[: len(before)] == before
    assert counting.calls == 8


def test_two_searches_write_one_evaluation_at_once(make, url: str) -> None:
    """The same seed in two folders: every evaluation of one is one of the other."""

    def run(folder: str) -> list[str]:
        study = make(folder, settings=Settings(sampler="random", seed=6, reuse=False), storage=url)
        study.run(Budget(trials=25))
        return [t.candidate.id for t in study.trials()]

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(run, ("one", "two"))
    assert one == two


def test_a_server_that_is_gone_is_one_message(make_study, tmp_path: Path) -> None:
    nowhere = f"postgresql+psycopg://user:secret@/none?host={tmp_path}"
    with pytest.raises(RunError, match=r"the store .* failed") as caught:
        make_study(storage=nowhere).run(Budget(trials=2))
    assert "secret" not in str(caught.value)


class Counting(SyntheticEvaluator):
    """Counts the evaluations that are not free, the teacher's own left out."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "calls", 0)

    def __call__(self, candidate, rung, seed):
        object.__setattr__(self, "calls", self.calls + (rung != "free" and bool(candidate.values)))
        return super().__call__(candidate, rung, seed)
