"""``devices list|show|fit|calibrate`` as a user runs them."""

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from autocompress.cli import app
from autocompress.errors import ProfileError
from autocompress.hardware.device_runs import calibrate_device, read_runs, write_calibrated
from autocompress.hardware.estimate import estimate
from autocompress.hardware.graph import read_graph
from autocompress.hardware.library import load_profile

TABLE = Path(__file__).parents[1] / "data" / "hardware" / "hat_titan_xp.csv"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["devices", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def write_model(path: Path, width: int, depth: int) -> None:
    """A chain of matrix products with a free number of rows."""
    import numpy as np

    rng = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(rng.standard_normal((width, width)).astype(np.float32), f"w{i}")
        for i in range(depth)
    ]
    nodes = [helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"]) for i in range(depth)]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])
        for name in ("x0", f"x{depth}")
    ]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)


@pytest.fixture
def runs(tmp_path) -> Path:
    """Runs of a board on which arithmetic takes 1.6 times and memory 1.2 times as long as estimated."""
    profile = load_profile("raspberry-pi-4")
    lines = ["model,latency_s,threads,shapes"]
    for width, depth, rows in (
        (256, 4, 200),
        (512, 3, 1),
        (384, 6, 64),
        (512, 2, 128),
        (640, 4, 1),
        (320, 5, 300),
    ):
        name = f"chain-{width}-{depth}-{rows}.onnx"
        write_model(tmp_path / name, width, depth)
        graph = read_graph(tmp_path / name, {"x0": (rows, width)}, optimization="extended")
        seconds = estimate([*graph.operators, graph.call], profile, 2, graph.footprint_bytes).seconds.sum()
        factor = 1.2 if rows == 1 else 1.6
        lines.append(f'{name},{seconds * factor},2,"x0={rows},{width}"')
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_list_names_every_device() -> None:
    rows = json.loads(run("list", "--json"))
    assert {"id", "name", "name_zh", "aliases", "products"} <= set(rows[0])
    assert len(rows) >= 19
    assert "raspberry-pi-4" in run("list")


def test_show_prints_sources_and_a_roofline() -> None:
    text = run("show", "骁龙7 Gen3")
    assert "AnandTech" in text and "estimated" in text and "operations a byte" in text
    document = json.loads(run("show", "Honor 100", "--json"))
    assert document["id"] == "snapdragon-7-gen-3"
    assert document["clusters"][0]["clock_ghz"] == {
        "value": 2.63,
        "kind": "derived",
        "source": "anandtech-21534",
    }
    assert document["roofline"]["peak_gflop_s"] == pytest.approx(16 * (2.63 + 3 * 2.4))


def test_show_writes_a_page_with_the_operators_on_it(tmp_path) -> None:
    page = tmp_path / "roof.html"
    write_model(tmp_path / "m.onnx", 64, 2)
    run("show", "pixel 8", "--plot", "--out", str(page), "-q")
    assert "step, 512" in page.read_text("utf-8") and "plotly" in page.read_text("utf-8").lower()


def test_fit_prints_exactly_four_numbers_and_writes_a_scatter(tmp_path) -> None:
    page = tmp_path / "fit.html"
    options = ("--calibrate", "5", "--draws", "2", "--plot", "--out", str(page), "--json")
    numbers = json.loads(run("fit", str(TABLE), *options))
    assert set(numbers) == {"mean_error", "within_10_percent", "worst_draw", "spearman"}
    assert "measured" in page.read_text("utf-8")


def test_calibrating_corrects_the_estimate_and_is_read_first(runs, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    summary = json.loads(run("calibrate", "Raspberry Pi 4", str(runs), "--json"))
    assert summary["n_runs"] == 6
    assert summary["mean_error_before"] > 0.15 > 0.06 > summary["mean_error_after"]
    assert summary["compute"] == pytest.approx(1.6, rel=0.1)  # six runs, a prior of 20 %
    calibrated = load_profile("raspberry-pi-4")
    assert calibrated.path == Path("hardware_profiles/raspberry-pi-4.toml")
    assert calibrated.calibration is not None and calibrated.calibration.n_runs == 6
    shown = json.loads(run("show", "raspberry-pi-4", "--json"))
    assert shown["kind"] == "calibrated" and shown["log_sigma"] < 0.25


def test_calibrating_again_starts_from_the_bare_estimate(runs, tmp_path) -> None:
    first = calibrate_device(load_profile("raspberry-pi-4"), read_runs(runs))
    write_calibrated(first, tmp_path)
    again = calibrate_device(load_profile("raspberry-pi-4", [tmp_path]), read_runs(runs))
    write_calibrated(again, tmp_path)
    assert again.summary() == first.summary()
    assert (tmp_path / "raspberry-pi-4.toml").read_text("utf-8").count("[calibration]") == 1
    assert not list(tmp_path.glob("*.partial"))


def test_wrong_measurements_are_refused_with_every_line(runs) -> None:
    text = runs.read_text("utf-8").replace("chain-512-3-1", "none").replace(",2,", ",zero,", 1)
    runs.write_text(text, "utf-8")
    with pytest.raises(ProfileError) as caught:
        read_runs(runs)
    assert "line 2: threads" in str(caught.value) and "line 3: there is no model" in str(caught.value)


def test_an_unknown_column_is_refused_with_the_nearest(runs) -> None:
    runs.write_text(runs.read_text("utf-8").replace("latency_s", "latencys", 1), "utf-8")
    with pytest.raises(ProfileError, match="nearest known one is 'latency_s'"):
        read_runs(runs)
