"""The tables of precision and composition ask what they claim to, and tell when a promise does not hold."""

import numpy as np
import pytest

from benchmarks.composition import summary
from benchmarks.precision.latency import _timed
from benchmarks.precision.table import checks
from benchmarks.precision.variants import FP32, SOVITS_PARTS, Variant, variants


def test_every_part_meets_every_storage_and_every_integer_kernel() -> None:
    found = variants(SOVITS_PARTS)
    assert found[0] == FP32
    assert len({variant.name for variant in found}) == len(found) == 1 + 4 * 3 + 3 * 2
    assert Variant("sovits.flow", "int8", "dynamic-int8").plan.compute_of("sovits.flow") == "dynamic-int8"
    assert Variant("gpt", "int4", "dynamic-int8").plan.compute_of("gpt.head") == "fp32"
    assert FP32.plan.storage_of("gpt.ffn.0") == "fp32"


def row(storage, compute="fp32", over=1.0, rise=0.0):
    return {"part": "p", "storage": storage, "compute": compute, "latency_over_fp32": over,
            "silence_floor_rise_db": rise}  # fmt: skip


def test_the_checks_judge_weight_only_storage_alone() -> None:
    kept = checks(
        {"sovits": {"a": row("fp32"), "b": row("int8", over=1.02), "c": row("int8", "dynamic-int8", 3, 9)}}
    )
    assert kept["latency_within"]["holds"]
    assert kept["silence_floor_within_db"]["holds"]
    broken = checks({"sovits": {"a": row("int8", over=1.04), "b": row("int4", rise=1.2)}})
    assert broken["latency_within"]["beyond"] == ["p-int8 latency"]
    assert broken["silence_floor_within_db"]["value"] == pytest.approx(1.2)


def test_a_busy_round_falls_on_both_graphs_and_leaves_their_ratio() -> None:
    first = np.array([1.0, 1.0, 5.0, 1.0])
    timed = _timed(1.1 * first, first)
    assert timed.over_first == pytest.approx(1.1)
    assert timed.low == pytest.approx(timed.high)


def test_the_composition_error_is_that_of_the_pairs_that_could_be_scored() -> None:
    def pair(gpt, composed, whole):
        return {"gpt": gpt, "sovits": "s", "divergence_composed": composed, "divergence_whole": composed,
                "speech_composed": composed, "speech_whole": whole}  # fmt: skip

    rows = [pair("a", 1.0, 1.5), pair("b", 2.0, 2.0), pair("c", 3.0, float("nan")), pair("d", 4.0, 4.1)]
    found = summary(rows)
    assert found["divergence"]["largest_error"] == 0
    assert found["speech"]["scored_pairs"] == 3
    assert found["speech"]["largest_error"] == pytest.approx(0.5)
    assert found["speech"]["rank_correlation"] == pytest.approx(1.0)
    assert found["evaluations_of_halves"] == 5
