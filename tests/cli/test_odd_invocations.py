"""What people do wrong: one message that says what to do, the right exit code, no traceback."""

import json
import os
import shutil
from pathlib import Path

import pytest

from autocompress.cli.failures import told
from autocompress.errors import InfeasibleError, RunError

LINE = "<2MB, <1s on Snapdragon 7 Gen3"
GARBAGE = bytes(range(256)) * 4


@pytest.fixture
def damaged(compressed, tmp_path):
    """A copy of a run of which one file is replaced by the given bytes, or missing."""

    def make(name: str, content: bytes | None) -> Path:
        folder = tmp_path / "run"
        shutil.copytree(compressed[0], folder, ignore=shutil.ignore_patterns("bundle", "training"))
        (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
        return folder

    return make


@pytest.mark.parametrize("command", ["front", "produce", "report"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"has no front\.json"),
        (b"{half", "damaged"),
        (b"[1, 2]", "no JSON object"),
        (GARBAGE, "damaged"),
        (b'{"schema_version": 99}', "schema version 99"),
        (b'{"schema_version": 1}', "missing or of the wrong kind"),
    ],
    ids=("missing", "half", "list", "garbage", "newer", "hollow"),
)
def test_a_damaged_front_is_told(command, content, said, damaged, run) -> None:
    with pytest.raises(RunError, match=said):
        run(command, str(damaged("front.json", content)), "-q")


def test_a_trial_without_its_parts_is_told(compressed, damaged, run) -> None:
    document = json.loads((compressed[0] / "front.json").read_text()) | {"trials": [{}]}
    with pytest.raises(RunError, match="a trial without"):
        run("front", str(damaged("front.json", json.dumps(document).encode())))


@pytest.mark.parametrize("words", [("front", "--optuna"), ("report", "--no-audio", "-q")])
def test_a_damaged_store_is_told(words, damaged, run) -> None:
    folder = damaged("store.db", GARBAGE)
    with pytest.raises(RunError, match="store"):
        run(words[0], str(folder), *words[1:])


def test_an_empty_front_names_the_nearest_point_and_the_price_of_each_relaxation(
    compressed, damaged, run
) -> None:
    document = json.loads((compressed[0] / "front.json").read_text())
    nearest = document["trials"][0] | {"excess": {"size_mb:max": 0.5, "latency_s:max": -0.2}}
    document |= {"trials": [], "picks": {}, "nearest": nearest}
    folder = damaged("front.json", json.dumps(document).encode())
    with pytest.raises(InfeasibleError) as refusal:
        run("front", str(folder))
    said = str(refusal.value)
    assert f"The nearest is trial {nearest['number']}: it misses size_mb by 50.0 %" in said
    assert "size_mb <=" in said
    assert {row["key"] for row in refusal.value.details["relaxations"]} == {"size_mb", "latency_s"}
    assert refusal.value.exit_code == 1


def test_another_request_does_not_touch_a_run(damaged, run) -> None:
    folder = damaged("front.csv", b"")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(RunError, match="belongs to another search"):
        run("search", "<3MB on Pi 5", "--model", "tiny", "--space", "quick", "--out", str(folder), "-q")
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_an_output_that_cannot_be_a_folder_is_told_first(place, tmp_path, run) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="is a file"):
        run("search", LINE, "--model", "tiny", "--out", str(tmp_path / place))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_first(tmp_path, run) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="nothing can be written"):
        run("search", LINE, "--model", "tiny", "--out", str(tmp_path / "run"))


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (PermissionError(13, "Permission denied", "/x/y"), 2, "/x/y cannot be used: Permission denied"),
        (OSError(28, "No space left on device"), 2, "No space left"),
        (RunError("no."), 2, "error: no."),
        (KeyboardInterrupt(), 130, "interrupted"),
        (SystemExit(130), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_system_refuses_is_one_message(raised, code, said, capsys) -> None:
    with pytest.raises(SystemExit) as ending, told(as_json=True):
        raise raised
    shown = capsys.readouterr()
    assert ending.value.code == code
    assert said in shown.err
    assert json.loads(shown.out)["message"]


def test_a_fault_of_ours_stays_a_traceback() -> None:
    with pytest.raises(ZeroDivisionError), told(as_json=False):
        raise ZeroDivisionError
