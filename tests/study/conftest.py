"""What the tests of the study share: the synthetic evaluator over the quick space."""

from collections.abc import Callable
from pathlib import Path

import pytest

from autocompress.objectives import DEFAULT_OBJECTIVES
from autocompress.space import SearchSpace, load_space
from autocompress.study import Fingerprint, Settings, Study, Task
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator


@pytest.fixture(scope="session")
def quick() -> SearchSpace:
    return load_space("quick", REFERENCE_DIMENSIONS)


@pytest.fixture
def make_study(quick: SearchSpace, tmp_path: Path) -> Callable[..., Study]:
    """A study in a fresh folder; keywords replace its parts."""

    def make(folder: str = "run", **parts: object) -> Study:
        settings = parts.pop("settings", Settings(sampler="random"))
        defaults: dict = {
            "space": quick,
            "task": Task(DEFAULT_OBJECTIVES),
            "evaluate": SyntheticEvaluator(),
            "fingerprint": Fingerprint("synthetic"),
        }
        return Study(folder=tmp_path / folder, settings=settings, **(defaults | parts))

    return make
