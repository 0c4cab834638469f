"""The commands on a teacher of random weights, named ``tiny`` like a packaged model."""

import warnings

import pytest
from typer.testing import CliRunner

from autocompress.cli import app
from autocompress.models.teacher import NAMED_TEACHERS
from tests.tiny_teacher import tiny_teacher


@pytest.fixture(scope="session", autouse=True)
def named_tiny():
    NAMED_TEACHERS["tiny"] = tiny_teacher
    yield
    del NAMED_TEACHERS["tiny"]


@pytest.fixture(scope="session")
def run():
    """Calls a command line; an error of ours stays an exception."""

    def call(*words, code=0):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own
            result = CliRunner().invoke(app, list(words))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture(scope="session")
def compressed(run, tmp_path_factory):
    """A run of ``compress``: its folder and what it printed."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    words = ("compress", "<2MB, <1s on Snapdragon 7 Gen3", "--model", "tiny", "--out", str(out))
    return out, run(
        *words, "--budget", "5trials", "--space", "quick", "--no-speech", "-q", "--distil-steps", "0"
    )
