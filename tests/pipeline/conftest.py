"""One search and one bundle of the tiny teacher, shared by the tests of the pipeline and of the commands."""

import warnings

import pytest

from autocompress.pipeline.compose import plan, produce, search
from autocompress.planner import SearchSettings
from tests.tiny_teacher import tiny_teacher

LINE = "<2MB, <1s on Snapdragon 7 Gen3"


@pytest.fixture(scope="session")
def teacher():
    return tiny_teacher()


@pytest.fixture(scope="session")
def found(teacher, tmp_path_factory):
    """A search of six candidates."""
    settings = SearchSettings(trials=6, sampler="random", speech=False)
    planned = plan(LINE, teacher, space="quick", settings=settings)
    return search(planned, tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="session")
def delivered(found, teacher, tmp_path_factory):
    """The bundle of its smallest point."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        return produce(
            found.front().smallest(),
            tmp_path_factory.mktemp("bundles") / "bundle",
            teacher=teacher,
            device="snapdragon-7-gen-3",
            speech=False,
            command="pytest",
            distil_steps=0,
        )
