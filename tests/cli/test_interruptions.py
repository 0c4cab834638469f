"""Ctrl-C at any moment of a real run: one word, what is finished is kept, and the same command goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autocompress.bundle import Bundle

ROOT = Path(__file__).parents[2]
LINE = "<2MB, <1s on Snapdragon 7 Gen3"
MOMENTS = ("plan", "teacher", "evaluation 2", "sensitivity", "bundle")

# The command line on the tiny teacher; at the moment named first it gets the signal that Ctrl-C sends.
CHILD = """
import os, signal, sys, warnings
from autocompress.cli import main
from autocompress.cli.search_progress import SearchProgress
from autocompress.models.teacher import NAMED_TEACHERS
from tests.tiny_teacher import tiny_teacher

warnings.simplefilter("ignore")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to it
NAMED_TEACHERS["tiny"] = tiny_teacher
moment = sys.argv.pop(1)
stage, watch = SearchProgress.stage, SearchProgress.watch

def at_stage(self, name):
    stage(self, name)
    if name == moment:
        os.kill(os.getpid(), signal.SIGINT)

def at_evaluation(self, progress):
    watch(self, progress)
    if f"evaluation {progress.evaluations}" == moment:
        os.kill(os.getpid(), signal.SIGINT)

SearchProgress.stage, SearchProgress.watch = at_stage, at_evaluation
main()
"""


def compress(out: Path, moment: str) -> subprocess.CompletedProcess[str]:
    words = ["compress", LINE, "--model", "tiny", "--space", "quick", "--out", str(out), "--no-speech"]
    command = [sys.executable, "-c", CHILD, moment, *words, "--budget", "4trials", "--distil-steps", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=900)


@pytest.mark.timeout(1800)
def test_interrupted_at_every_stage_the_same_command_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    for moment in MOMENTS:
        done = compress(out, moment)
        assert done.returncode == 130, f"{moment}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, f"{moment}: {done.stderr}"
        assert "Go on with: autocompress compress" in done.stderr, moment
        assert done.stderr.rstrip().endswith("interrupted; everything finished so far is kept.")
        if "See what was found" in done.stderr:
            assert json.loads((out / "front.json").read_text())["trials"]
    done = compress(out, "never")
    assert done.returncode == 0, done.stderr
    assert "hear it autocompress say" in done.stdout
    assert len(Bundle.load(out / "bundle").say("Hello.", "ada")) > 0
    assert (out / "report.html").is_file()
    assert [path.name for path in out.iterdir() if path.name.startswith(".produce")] == []
