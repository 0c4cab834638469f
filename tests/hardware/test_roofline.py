"""The roofline: its formula, what it does not depend on, and published voices from public facts alone."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from autocompress.errors import ProfileError
from autocompress.hardware.estimate import efficiencies_of, estimate
from autocompress.hardware.library import list_profiles, load_profile
from autocompress.hardware.operators import FAMILIES, PRECISIONS, OperatorColumns
from autocompress.hardware.prediction import Prediction
from autocompress.hardware.priors import PRIOR_EFFICIENCIES
from autocompress.hardware.profile import Calibration, Fact
from autocompress.hardware.roofline import Machine, cost, operator_seconds, total_seconds

DATA = Path(__file__).parents[1] / "data" / "hardware"
AUDIO_S = 6.0

# Real-time factors on a Raspberry Pi 4 at 1 to 4 threads, fp32, ONNX Runtime (k2-fsa/sherpa, rtf.rst).
PUBLISHED_RTF = {
    ("vits-ljs", "vits-ljs"): (6.057, 3.517, 2.535, 2.206),
    ("piper-medium", "lessac-medium"): (0.774, 0.482, 0.390, 0.357),
    ("piper-medium", "glados"): (0.812, 0.480, 0.391, 0.349),
    ("icefall-low-8k", "aishell3"): (0.365, 0.220, 0.171, 0.156),
}


@dataclass(frozen=True)
class Op:
    family: str
    precision: str = "fp32"
    work: float = 0.0
    bytes: float = 0.0
    weight_bytes: float = 0.0
    m: int = 1
    k: int = 1
    n: int = 1
    count: int = 1


def gemm(m: int, k: int, n: int, precision: str = "fp32", width: float = 4.0) -> Op:
    weights = width * k * n
    return Op("gemm", precision, 2.0 * m * k * n, weights + 4 * m * (k + n), weights, m, k, n)


def conv(m: int, channels: int, taps: int = 3, precision: str = "fp32") -> Op:
    k = channels * taps
    weights = 4.0 * k * channels
    return Op(
        "conv", precision, 2.0 * m * k * channels, 8.0 * m * channels + weights, weights, m, k, channels
    )


def seconds(op: Op, device: str = "raspberry-pi-4", threads: int = 1) -> float:
    return float(estimate([op], load_profile(device), threads).seconds[0])


def voice(name: str) -> list[Op]:
    with (DATA / "vits_operators.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["voice"] == name]
    floats = ("work", "bytes", "weight_bytes")
    return [
        Op(
            r["family"],
            r["precision"],
            *(float(r[n]) for n in floats),
            *(int(r[n]) for n in ("m", "k", "n", "count")),
        )
        for r in rows
    ]


def test_the_slower_of_arithmetic_and_memory_counts() -> None:
    columns = OperatorColumns.of([gemm(1, 2048, 2048), gemm(512, 2048, 2048)])
    found = cost(columns, Machine.of(load_profile("raspberry-pi-4"), 1), PRIOR_EFFICIENCIES)
    assert found.memory_s[0] > found.compute_s[0] and found.memory_s[1] < found.compute_s[1]
    np.testing.assert_allclose(
        found.seconds, np.maximum(found.compute_s, found.memory_s) + found.dispatch_s, rtol=1e-12
    )


def test_a_decode_step_streams_its_weights() -> None:
    profile = load_profile("raspberry-pi-5")
    expected = 4 * 4096 * 4096 / (profile.memory.read_1_thread_gb_s.value * 1e9)
    # 2 %: the activations and the dispatch beside 67 MB of weights.
    assert seconds(gemm(1, 4096, 4096), "raspberry-pi-5") == pytest.approx(expected, rel=0.02)


def test_weights_that_stay_in_the_cache_cost_less() -> None:
    profile = load_profile("snapdragon-8-gen-3")
    small, large = (
        estimate([gemm(1, 512, 512)], profile, 1, footprint).seconds[0] for footprint in (1e6, 1e9)
    )
    assert small < large


@pytest.mark.parametrize("device", [p.id for p in list_profiles()])
def test_every_kernel_has_a_time_on_every_device(device) -> None:
    kinds = [replace(gemm(64, 64, 64), family=f, precision=p) for f in FAMILIES for p in PRECISIONS]
    for threads in (1, 2):
        times = estimate(kinds, load_profile(device), threads).seconds
        assert np.all((times > 0) & (times < 1))


@pytest.mark.parametrize("op", [conv(20_000, 64), gemm(200, 512, 2048), gemm(1, 1024, 1024)])
def test_more_threads_and_larger_shapes_behave(op) -> None:
    threads = [seconds(op, threads=t) for t in (1, 2, 3, 4)]
    assert threads == sorted(threads, reverse=True)
    assert threads[0] / threads[3] < 4.0
    bigger = replace(op, work=2 * op.work, bytes=2 * op.bytes, m=2 * op.m)
    assert seconds(bigger) > seconds(op)


def test_small_channels_reach_less_of_the_peak() -> None:
    rates = [conv(50_000, c).work / seconds(conv(50_000, c)) for c in (8, 32, 128, 512)]
    assert rates == sorted(rates)


def test_dynamic_int8_convolution_is_slower_than_fp32_and_int4_weights_are_faster_to_stream() -> None:
    phone = "snapdragon-7-gen-3"
    assert seconds(conv(20_000, 64, precision="int8_dynamic"), phone) > seconds(conv(20_000, 64), phone)
    assert seconds(gemm(1, 1024, 4096, "int4", 0.5625), phone) < seconds(gemm(1, 1024, 4096), phone) / 1.5


def test_published_voices_are_predicted_from_public_facts_alone() -> None:
    profile = load_profile("raspberry-pi-4")
    errors, inside = [], []
    for (architecture, _), factors in PUBLISHED_RTF.items():
        operators = voice(architecture)
        for threads, rtf in enumerate(factors, start=1):
            total = estimate(operators, profile, threads).total
            errors.append(abs(total.median_s / AUDIO_S / rtf - 1))
            inside.append(total.low_s <= rtf * AUDIO_S <= total.high_s)
            assert total.kind == "estimated"
    assert len(errors) == 16
    assert np.median(errors) <= 0.20
    assert np.mean(inside) >= 0.80


def test_another_device_would_not_fit_the_published_voices() -> None:
    total = estimate(voice("piper-medium"), load_profile("raspberry-pi-5"), 1).total
    assert not total.low_s <= 0.774 * AUDIO_S <= total.high_s


def test_ten_thousand_candidates_are_costed_within_20_s() -> None:
    columns = OperatorColumns.of([gemm(1, 512, 2048)] * 100)
    rows = np.tile(np.arange(100), 10_000)
    many = OperatorColumns(*(getattr(columns, f)[rows] for f in OperatorColumns.__dataclass_fields__))
    candidate = np.repeat(np.arange(10_000), 100)
    start = perf_counter()
    machine = Machine.of(load_profile("snapdragon-7-gen-3"))
    totals = total_seconds(candidate, 10_000, operator_seconds(many, machine, PRIOR_EFFICIENCIES))
    assert perf_counter() - start < 20
    assert totals.shape == (10_000,) and np.ptp(totals) < 1e-12


def test_a_calibrated_profile_corrects_each_bound_and_says_so() -> None:
    def fact(value: float) -> Fact:
        return Fact(value, "derived", "runs")

    plain = load_profile("raspberry-pi-4")
    calibration = Calibration(fact(2.0), fact(1.0), fact(1.0), fact(0.05), n_runs=5)
    calibrated = replace(plain, calibration=calibration)
    op = conv(200_000, 256)
    before, after = (estimate([op], profile, 1) for profile in (plain, calibrated))
    assert after.seconds[0] == pytest.approx(2 * before.seconds[0], rel=0.01)  # the dispatch is not doubled
    assert (after.kind, after.log_sigma) == ("calibrated", 0.05)
    assert efficiencies_of(plain) is PRIOR_EFFICIENCIES


def test_predictions_add_scale_and_bound() -> None:
    one = Prediction.from_log_sigma(2.0, 0.1, "estimated")
    assert one.low_s < 2.0 < one.high_s
    assert one.log_sigma == pytest.approx(0.1)
    assert one.at_confidence(0.5) == pytest.approx(2.0)
    assert one.at_confidence(0.95) == pytest.approx(one.high_s)
    both = one.scaled(3) + Prediction.from_log_sigma(1.0, 0.01, "measured")
    assert both.median_s == pytest.approx(7.0)
    assert both.kind == "estimated"


@pytest.mark.parametrize("numbers", [(1.0, 2.0, 3.0), (1.0, 0.5, 0.9), (-1.0, -2.0, 3.0)])
def test_an_interval_without_its_median_is_refused(numbers) -> None:
    with pytest.raises(ProfileError, match="low <= median <= high"):
        Prediction(*numbers, kind="measured")
