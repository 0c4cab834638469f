"""The profiler: probes that run, logs that resume, profiles that read back."""

import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from autocompress.bundle.sessions import PRECISE_INT8
from autocompress.hardware import local
from autocompress.hardware.graph import SCALE_BY_COLUMN
from autocompress.hardware.latency import predict_file, table_model
from autocompress.hardware.layer_costs import layer_costs
from autocompress.hardware.operator_table import Row
from autocompress.hardware.profile import read_profile
from autocompress.hardware.profiler import int8_weights, timing
from autocompress.hardware.profiler import measure as measuring
from autocompress.hardware.profiler import pace as pacing
from autocompress.hardware.profiler import run as profiling
from autocompress.hardware.profiler.log import Entry, Log, Timing
from autocompress.hardware.profiler.machine import read_machine
from autocompress.hardware.profiler.measure import Run, measure, summarize_log, visit_all
from autocompress.hardware.profiler.plan import plan
from autocompress.hardware.profiler.probe_graph import open_session
from autocompress.hardware.profiler.probes import Probe, build
from autocompress.hardware.profiler.report import Measured, machine_key, write_profile
from autocompress.hardware.profiler.timing import InPlace, time_calls, time_probe
from tests.hardware import small_graphs as small


def size(probe: Probe) -> int:
    return probe.footprint_bytes + probe.batch * probe.m * probe.k * probe.n


# The smallest quick point of each kind.
KINDS = sorted({(p.family, p.precision): p for p in sorted(plan("quick"), key=size, reverse=True)}.items())


@pytest.mark.parametrize(("kind", "probe"), KINDS, ids=["-".join(kind) for kind, _ in KINDS])
def test_every_kind_of_probe_runs(kind, probe) -> None:
    assert time_probe(probe, 1, 0.0).seconds > 0


INT8_KINDS = [probe for (_, precision), probe in KINDS if precision == "int8"]
INT8_KINDS += [replace(probe, taps=SCALE_BY_COLUMN) for probe in INT8_KINDS if probe.family == "gemm"]


@pytest.mark.parametrize("overflow", [False, True])
@pytest.mark.parametrize("probe", INT8_KINDS, ids=lambda probe: probe.key.replace("/", "-"))
def test_8_bit_probes_run_with_signed_and_with_unsigned_weights(probe, overflow, monkeypatch) -> None:
    monkeypatch.setattr(int8_weights, "sums_overflow", lambda: overflow)
    graph = build(probe)
    for result in open_session(graph, 1).run(None, graph.feeds):
        assert np.isfinite(result).all()


@pytest.mark.parametrize("probe", INT8_KINDS, ids=lambda probe: probe.key.replace("/", "-"))
def test_8_bit_probes_have_the_weights_that_a_bundle_computes_with(probe, tmp_path) -> None:
    """Signed, or where sums would overflow unsigned: the precise mode finds nothing to change."""
    built, opened = tmp_path / "built.onnx", tmp_path / "opened.onnx"
    built.write_bytes(build(probe).to_bytes())
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(opened), 4
    options.add_session_config_entry(*PRECISE_INT8)
    onnxruntime.InferenceSession(str(built), options, providers=["CPUExecutionProvider"])
    before, after = ({w.data_type for w in onnx.load(path).graph.initializer} for path in (built, opened))
    assert (TensorProto.INT8 in before) == (TensorProto.INT8 in after)


def test_frames_are_cut_from_one_channel() -> None:
    probe = Probe("conv", batch=2, m=5, k=256, n=8, taps=256)
    graph = build(probe)
    frames = open_session(graph, 1).run(None, graph.feeds)
    assert len(frames) == graph.links
    assert {frame.shape for frame in frames} == {(probe.batch, probe.n, probe.m)}


def test_a_cache_is_measured_where_it_lies() -> None:
    graph = build(Probe("attention", batch=2, m=1, k=16, n=9))
    bound = InPlace(open_session(graph, 1), graph.feeds, graph.in_place)
    bound.run(None, None)
    outputs = zip([o.name for o in bound.session.get_outputs()], bound.binding.get_outputs(), strict=True)
    places = {name: value.data_ptr() for name, value in outputs if name in graph.in_place}
    assert len(places) == len(graph.in_place) > 0
    assert all(place == bound.values[graph.in_place[name]].data_ptr() for name, place in places.items())


def test_what_runs_before_a_call_is_not_timed() -> None:
    def sleep() -> None:
        time.sleep(0.01)

    assert time_calls(lambda: None, 0.0, before=sleep).seconds < 0.005
    assert time_calls(sleep, 0.0).seconds >= 0.01


def test_seconds_are_undisturbed_and_the_mean_is_what_a_sentence_feels(monkeypatch) -> None:
    disturbed = timing.summarize(np.array([1.0, 1.0, 1.0, 1.0, 2.0, 40.0]))  # the last one was interrupted
    monkeypatch.setattr(timing, "time_session", lambda *_: disturbed)
    found, links = time_probe(Probe("view"), 1, 0.0), build(Probe("view")).links
    assert (found.seconds, found.mean_s) == (pytest.approx(1.0 / links), pytest.approx(1.2 / links))


def test_the_profiler_needs_neither_torch_nor_onnx() -> None:
    code = (
        "import sys, autocompress.hardware.profiler.run as run\n"
        "from autocompress.hardware.profiler.probes import Probe\n"
        "run.time_probe(Probe('view'), 1, 0.0)\n"
        "print([m for m in ('torch', 'onnx', 'scipy', 'typer', 'pydantic') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_quick_points_cover_every_kind_of_the_full_table() -> None:
    quick = {(p.family, p.precision) for p in plan("quick")}
    assert quick == {(p.family, p.precision) for p in plan("full")}


POINTS = [Probe("view"), Probe("elementwise", n=16)]


@pytest.fixture
def timings(monkeypatch):
    """Each visit takes the next of these spreads; the list of visits is returned."""
    visits: list[str] = []

    def fake(probe, threads, window_s):
        visits.append(probe.key)
        return Timing(1e-6, 0.5 if len(visits) < 7 else 0.01, 5, 1e-6)

    monkeypatch.setattr(measuring, "time_probe", fake)
    return visits


def run(path, seconds=60.0, say=lambda _text: None):
    return measure(POINTS, [1], Log(path, "machine"), level="quick", seconds=seconds, say=say)


def test_an_unsteady_point_is_repeated_and_told(tmp_path, timings) -> None:
    told: list[str] = []
    result = run(tmp_path / "log.jsonl", say=told.append)
    assert len(timings) > 2 * len(POINTS)
    assert any("repeating" in text for text in told)
    assert result.repeated > 0


def test_the_quickest_visit_stands_and_is_seen_twice(tmp_path, monkeypatch) -> None:
    times = iter([2e-6, 1e-6, 1.05e-6])  # the first visit's threads shared a processor
    monkeypatch.setattr(measuring, "time_probe", lambda *_: Timing(next(times), 0.01, 5, 1e-6))
    result = measure(POINTS[:1], [1], Log(tmp_path / "log", "m"), level="quick", seconds=60.0, say=print)
    assert [row.seconds for row in result.rows] == [1e-6]
    assert next(times, None) is None  # a third visit was made, and no fourth


def test_a_row_says_both_the_undisturbed_time_and_that_on_the_whole(tmp_path) -> None:
    log = Log(tmp_path / "log", "m")
    for number, visit_s in enumerate((1e-3, 1.1e-3, 1.5e-3)):
        log.add(Entry(POINTS[0].key, 1, number, visit_s, 0.01, 5, 1.4 * visit_s))
        log.add(Entry(POINTS[1].key, 1, number, visit_s, 0.01, 5))  # a log of before means were kept
    rows = summarize_log([(probe, 1) for probe in POINTS], log).rows
    assert [row.seconds for row in rows] == [1e-3, 1e-3]
    assert [row.on_the_whole().seconds for row in rows] == [pytest.approx(1.54e-3), pytest.approx(1.1e-3)]


def test_points_on_more_threads_are_seen_again_first(tmp_path, monkeypatch) -> None:
    seen: list[int] = []

    def fake(_probe, threads, _window_s):
        seen.append(threads)
        return Timing(1e-6, 0.01, 5, 1e-6)

    monkeypatch.setattr(measuring, "time_probe", fake)
    measure(POINTS, [1, 2], Log(tmp_path / "log", "m"), level="quick", seconds=60.0, say=print)
    assert seen[4:] == [2, 2, 1, 1]


def test_a_visit_in_turns_takes_every_point_once_and_goes_on_where_it_was_cut(tmp_path, timings) -> None:
    log = Log(tmp_path / "log.jsonl", "machine")
    log.add(Entry(POINTS[0].key, 1, 0, 1e-6, 0.01, 5))
    for number in (0, 0, 1):
        visit_all(POINTS, [1], log, number, level="quick", say=print)
    assert {probe.key: len(log.of(probe.key, 1)) for probe in POINTS} == {probe.key: 2 for probe in POINTS}


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, timings) -> None:
    path = tmp_path / "log.jsonl"
    log = Log(path, "machine")
    log.add(Entry(POINTS[0].key, 1, 0, 1e-6, 0.01, 5))
    log.add(Entry(POINTS[0].key, 1, 1, 1e-6, 0.01, 5))
    with path.open("a") as file:
        file.write('{"key": "cut off')
    run(path)
    assert POINTS[0].key not in timings
    assert timings.count(POINTS[1].key) >= 2


def test_a_log_of_another_machine_is_not_used(tmp_path) -> None:
    path = tmp_path / "log.jsonl"
    Log(path, "one").add(Entry("k", 1, 0, 1.0, 0.0, 5))
    assert Log(path, "other").entries == []
    assert json.loads(path.read_text().splitlines()[0]) == {"machine": "other"}


def test_when_the_time_is_up_the_rest_is_reported_missing(tmp_path, timings) -> None:
    assert run(tmp_path / "log.jsonl", seconds=-1.0).missing == len(POINTS)


def plausible_seconds(probe: Probe, threads: int) -> float:
    return 1e-6 + 2e-11 * probe.batch * probe.m * probe.k * probe.n * probe.taps**0.1 / threads


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """A profile of a machine that exists on paper."""
    folder = tmp_path_factory.mktemp("profile")
    entries = [
        (p, t, Entry(p.key, t, 0, plausible_seconds(p, t), 0.01, 5)) for p in plan("quick") for t in (1, 2)
    ]
    rows = tuple(
        replace(row, mean_s=1.25 * row.threads * row.seconds)
        for row in (measuring._row(*entry) for entry in entries)
    )
    measured = Measured(read_machine(), rows, 1e10, 2e10, 0.98, 1e-4, (), (), "quick")
    return read_profile(write_profile(folder, "bench", measured))


def test_a_written_profile_reads_back_and_predicts_as_measured(profile) -> None:
    assert table_model(profile) is not None
    prediction = predict_file(small.linear(60, 512, 2048), profile, threads=1)
    assert prediction.total.kind == "measured"
    assert prediction.total.low_s < prediction.total.median_s < prediction.total.high_s


def test_a_prediction_is_as_disturbed_as_the_machine_was(profile) -> None:
    for threads in (1, 2):
        prediction = predict_file(small.linear(60, 512, 2048), profile, threads=threads)
        assert prediction.total.median_s == pytest.approx(
            1.25 * threads * prediction.undisturbed.median_s, rel=0.05
        )
        assert sum(prediction.seconds) + prediction.call_s == pytest.approx(prediction.total.median_s)


def test_candidates_summed_from_layers_cost_what_their_operators_cost(profile) -> None:
    from autocompress.hardware.graph import read_graph

    options = [read_graph(small.linear(60, 256, n)).operators for n in (256, 512)]
    costs = layer_costs([options, [*options, ()]], profile, 1)
    seconds = costs.predict(np.array([[0, 0], [1, 1], [1, 2]]))
    assert seconds[1] > seconds[0]
    assert seconds[1] == pytest.approx(
        2 * seconds[2], rel=0.2
    )  # half of the weights change the footprint a little


def test_the_key_of_a_machine_changes_with_its_libraries() -> None:
    assert machine_key("cpu | onnxruntime 1.30") != machine_key("cpu | onnxruntime 1.31")


def test_hosts_of_one_cpu_name_and_other_instruction_sets_are_two_machines() -> None:
    machine = replace(read_machine(), isa=("avx2",))
    newer = replace(machine, isa=("avx2", "amx-int8"))
    assert machine.identity != newer.identity
    assert machine.name != newer.name
    assert replace(machine, isa=()).name == machine.cpu


@pytest.mark.parametrize(("wide", "said"), [(0, False), (1, False), (4, True)])
def test_a_first_use_on_a_busy_machine_does_not_go_unsaid(tmp_path, monkeypatch, capsys, wide, said):
    row = Row("gemm", "fp32", 1, 1, 1, 1, 1, 1, 0, 1e-3, 0.2)

    def profile_machine(folder, *, seconds, judge):
        judge(Run((row,) * 10, ("gemm on 1",) * wide, 0, 0))

    monkeypatch.setattr(profiling, "profile_machine", profile_machine)
    local._measure(tmp_path)
    assert ("something else uses this machine" in capsys.readouterr().err) == said


def block_row(layers: int, threads: int = 1) -> Row:
    return Row("block_transformer", "fp32", threads, 2, 1, 64, 128, layers, 0, 1e-3, 0.01, 1.25e-3)


def test_the_pace_is_how_many_times_as_long_as_predicted_blocks_take_now(monkeypatch) -> None:
    seen: list[tuple[str, int]] = []

    def fake(probe, threads, _window_s):
        seen.append((probe.family, threads))
        return Timing(1e-3, 0.01, 5, 1.5e-3 if len(seen) < 3 else 9e-3)  # one was interrupted

    monkeypatch.setattr(pacing, "time_probe", fake)
    rows = [*map(block_row, range(1, 9)), block_row(1, threads=2), replace(block_row(1), family="gemm")]
    disturbed_then = 1.25  # the table's rows say so
    assert pacing.pace(rows, 1, blocks=3) == pytest.approx(1.5 / disturbed_then)
    assert seen == [("block_transformer", 1)] * 3
    assert pacing.pace(rows, 4) == 1.0


@pytest.mark.parametrize(("ratios", "said"), [((1.0, 1.1), None), ((1.0, 1.4), "1.40"), ((0.6, 1.1), "0.60")])
def test_a_machine_that_is_not_as_fast_as_when_it_was_measured_says_so(
    profile, monkeypatch, capsys, ratios, said
) -> None:
    monkeypatch.setattr(pacing, "pace", lambda _table, threads: ratios[threads - 1])
    local._tell_pace(profile)
    told = capsys.readouterr().err
    assert f"takes {said} times as long now" in told if said else not told
