"""compress, plan, search, front, produce."""

import csv
import io
import json

import pytest

from autocompress.cli.options import read_budget
from autocompress.errors import CheckpointError, InfeasibleError, RequestError, RunError

LINE = "<80MB, <1s on Snapdragon 7 Gen3"


def test_plan_prints_the_shape_of_the_design(run) -> None:
    document = json.loads(run("plan", LINE, "--space", "quick", "--json").stdout)
    assert document["device"] == "snapdragon-7-gen-3"
    assert document["constraints"] == {"size_mb": {"max": 80}, "latency_s": {"max": 1.0}}
    assert document["model"] == "reference"
    assert document["feasible"] is True


def test_plan_echoes_in_chinese_too(run) -> None:
    shown = run("plan", "为骁龙7 Gen3生成<80MB、延迟<1s的版本", "--space", "quick").stdout
    assert "snapdragon-7-gen-3" in shown
    assert "feasible" in shown


def test_a_plan_that_cannot_be_met_exits_1_with_the_price(run) -> None:
    shown = run("plan", "<1MB on Snapdragon 7 Gen3", "--space", "quick", code=1).stdout
    assert "infeasible" in shown
    assert "Relaxing size_mb (asked 1)" in shown


def test_compress_ends_with_one_screen(compressed) -> None:
    out, result = compressed
    for words in ("best: trial", "teacher", "margin", "alternates:", "hear it autocompress say", str(out)):
        assert words in result.stdout
    assert (out / "bundle" / "manifest.json").is_file()


def test_front_prints_a_table_csv_and_json(run, compressed) -> None:
    out, _ = compressed
    document = json.loads(run("front", str(out), "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(run("front", str(out), "--csv").stdout)))
    assert [int(row["number"]) for row in rows] == [t["number"] for t in document["trials"]]
    assert "best" in run("front", str(out)).stdout


def test_a_bundle_of_compress_speaks(run, compressed, tmp_path) -> None:
    out, _ = compressed
    wav = tmp_path / "hello.wav"
    run("say", str(out / "bundle"), "Hello there.", "--voice", "ada", "-o", str(wav), "-q")
    assert wav.stat().st_size > 44


def test_produce_refuses_a_point_that_is_not_on_the_front(run, compressed) -> None:
    out, _ = compressed
    with pytest.raises(RunError, match="Give one of best"):
        run("produce", str(out), "--pick", "zzz", "-q")


def test_search_refuses_what_cannot_be_met_before_it_starts(run, tmp_path) -> None:
    with pytest.raises(InfeasibleError, match="The nearest"):
        run("search", "<0.01MB on Snapdragon 7 Gen3", "--model", "tiny", "--space", "quick", "-q",
            "--out", str(tmp_path / "run"))  # fmt: skip


def test_a_folder_without_a_front_is_refused(run, tmp_path) -> None:
    with pytest.raises(RunError, match=r"front\.json"):
        run("front", str(tmp_path))


def test_one_file_of_a_model_is_not_enough(run) -> None:
    with pytest.raises(CheckpointError, match="both of its files"):
        run("plan", LINE, "--gpt", "voice.ckpt")


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("60trials", (60, None)),
        ("1trial", (1, None)),
        ("10m", (None, 600.0)),
        ("90s", (None, 90.0)),
        ("2h", (None, 7200.0)),
    ],
)  # fmt: skip
def test_budgets_are_trials_or_time(word, read) -> None:
    assert read_budget(word) == read


@pytest.mark.parametrize("word", ["", "60", "0trials", "-3m", "ten minutes", "1.5trials"])
def test_other_budgets_are_refused(word) -> None:
    with pytest.raises(RequestError, match="--budget"):
        read_budget(word)
