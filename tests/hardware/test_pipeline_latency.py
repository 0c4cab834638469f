"""The pipeline's time is text + prefill + tokens × step + vocoder windows."""

import pytest

from autocompress.errors import ProfileError
from autocompress.hardware.graph import read_graph
from autocompress.hardware.library import load_profile
from autocompress.hardware.pipeline_latency import Component, Workload, predict_pipeline
from tests.hardware import small_graphs as small

PI = load_profile("raspberry-pi-4")
PARTS = [
    Component("encoder", "text", read_graph(small.linear(60, 192, 192))),
    Component("prefill", "prefill", read_graph(small.linear(135, 512, 512))),
    Component("step", "step", read_graph(small.linear(1, 512, 512))),
    Component("vocoder", "vocoder", read_graph(small.convolution(64, 64, 800, 7))),
]


def test_the_total_is_the_sum_of_its_parts() -> None:
    result = predict_pipeline(PARTS, PI, Workload(tokens=100))
    one = {name: graph.total.median_s for name, graph in result.graphs.items()}
    expected = one["encoder"] + one["prefill"] + 100 * one["step"] + one["vocoder"]
    assert result.total.median_s == pytest.approx(expected)
    assert result.rtf == pytest.approx(expected / 4.0)
    assert result.by_component["step"].median_s == pytest.approx(100 * one["step"])


def test_the_first_of_four_windows_is_heard_after_a_quarter_of_the_steps() -> None:
    result = predict_pipeline(PARTS, PI, Workload(tokens=100, vocoder_windows=4))
    one = {name: graph.total.median_s for name, graph in result.graphs.items()}
    assert result.first_audio.median_s == pytest.approx(
        one["encoder"] + one["prefill"] + 25 * one["step"] + one["vocoder"]
    )
    assert result.total.median_s > result.first_audio.median_s


def test_memory_holds_all_weights_and_the_largest_working_set() -> None:
    result = predict_pipeline(PARTS, PI)
    weights = sum(graph.weight_bytes for graph in result.graphs.values())
    assert weights < result.peak_memory_bytes < sum(g.peak_memory_bytes for g in result.graphs.values())


def test_an_unknown_role_and_an_empty_pipeline_are_refused() -> None:
    with pytest.raises(ProfileError, match="roles are text, prefill, step, vocoder"):
        Component("x", "decoder", PARTS[0].graph)
    with pytest.raises(ProfileError, match="at least one"):
        predict_pipeline([], PI)
