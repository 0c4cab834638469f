"""``autocompress devices predict`` on small files."""

import json

import onnx
import pytest
from typer.testing import CliRunner

from autocompress.cli import app
from autocompress.cli.devices_output import parse_shapes
from autocompress.errors import ProfileError
from autocompress.hardware import local
from autocompress.hardware.library import load_profile
from tests.hardware import small_graphs as small


@pytest.fixture
def saved(tmp_path):
    def save(model):
        onnx.save(model, tmp_path / "m.onnx")
        return str(tmp_path / "m.onnx")

    return save


def predict(*arguments: str):
    result = CliRunner().invoke(app, ["devices", "predict", *arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_json_has_the_total_its_interval_and_every_operator(saved) -> None:
    found = predict(saved(small.linear("T", 64, 64)), "--device", "raspberry-pi-5", "--shape", "x=60,64")
    assert found["device"] == "raspberry-pi-5"
    assert found["kind"] == "estimated"
    assert 0 < found["latency_low_s"] < found["latency_s"] < found["latency_high_s"]
    assert [op["type"] for op in found["operators"]] == ["MatMul"]
    assert found["latency_s"] == pytest.approx(
        sum(op["seconds"] for op in found["operators"]) + found["call_s"]
    )
    assert found["memory_bytes"] >= 64 * 64 * 4 + 2 * 60 * 64 * 4


def test_an_unknown_operator_is_named_and_has_a_cost(saved) -> None:
    found = predict(saved(small.foreign(100_000)), "--device", "raspberry-pi-4")
    assert found["unknown_operators"] == ["com.acme::Frobnicate"]
    assert next(op for op in found["operators"] if not op["known"])["seconds"] > 0


def test_more_threads_are_not_slower_for_a_heavy_graph(saved) -> None:
    path = saved(small.convolution(128, 128, 5000, 7))
    one, four = (predict(path, "--device", "raspberry-pi-4", "--threads", t)["latency_s"] for t in ("1", "4"))
    assert four < one


def test_a_warm_device_takes_longer_by_its_thermal_factor(saved) -> None:
    found = predict(saved(small.convolution(64, 64, 500, 7)), "--device", "raspberry-pi-4")
    factor = load_profile("raspberry-pi-4").thermal_factor.value
    assert factor < 1
    assert found["hot_latency_s"] == pytest.approx(found["latency_s"] / factor)


def test_open_shapes_and_bad_options_are_errors(saved) -> None:
    with pytest.raises(ProfileError, match="--shape"):
        CliRunner().invoke(
            app,
            ["devices", "predict", saved(small.linear("T")), "--device", "rk3588"],
            catch_exceptions=False,
        )
    with pytest.raises(ProfileError, match="whole numbers"):
        parse_shapes(["x=1,two"])
    with pytest.raises(ProfileError, match="NAME=1,60"):
        parse_shapes(["1,60"])


def test_a_wrong_file_is_said_before_this_machine_is_measured(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(local, "_measure", lambda folder: pytest.fail("measured for a file it cannot cost"))
    monkeypatch.setenv(local.CACHE_VARIABLE, str(tmp_path))
    (tmp_path / "m.onnx").write_text("not a graph")
    with pytest.raises(ProfileError, match="not an ONNX file"):
        CliRunner().invoke(app, ["devices", "predict", str(tmp_path / "m.onnx")], catch_exceptions=False)


def test_a_scalar_input_can_be_bound() -> None:
    assert parse_shapes(["x=1,60", "s="]) == {"x": (1, 60), "s": ()}
