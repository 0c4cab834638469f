"""Decisions as a layer-by-layer schedule."""

from autocompress.reporting.schedule import schedule_rows
from autocompress.study.testing import REFERENCE_DIMENSIONS


def rows(decisions: dict) -> dict:
    return {row.unit: row for row in schedule_rows(decisions, REFERENCE_DIMENSIONS)}


def test_the_teacher_keeps_everything_in_full_precision() -> None:
    found = rows({})
    assert {row.kept for row in found.values()} == {1.0}
    assert {row.bits for row in found.values()} == {32.0}


def test_a_dropped_layer_is_removed_and_has_no_bits() -> None:
    found = rows({"gpt.keep.2": False})
    for part in ("attention", "ffn"):
        row = found[f"GPT 2 {part}"]
        assert (row.kept, row.pruned, row.bits, row.words, row.compute) == (0.0, 1.0, 0.0, "removed", "")
    assert found["GPT 1 ffn"].kept == 1.0


def test_pruned_widths_ranks_and_precisions_are_shown() -> None:
    found = rows({
        "gpt.heads.0": 4, "gpt.ffn.0": 256, "gpt.rank.0": 32, "storage.gpt.ffn.0": "int4",
        "compute.gpt.ffn.0": "dynamic-int8", "sovits.flow.couplings": 2, "storage.sovits.vocoder": "int8",
        "sovits.vocoder.channels.1": 32, "sovits.vocoder.kernels.1": "3-7",
    })  # fmt: skip
    assert (found["GPT 0 attention"].kept, found["GPT 0 attention"].words) == (0.5, "4 of 8 heads")
    ffn = found["GPT 0 ffn"]
    assert (ffn.kept, ffn.bits, ffn.compute, ffn.words) == (
        0.25,
        4,
        "dynamic-int8",
        "256 of 1024 wide, rank 32",
    )
    assert found["flow couplings"].kept == 0.5
    assert (found["vocoder 1 channels"].kept, found["vocoder 1 channels"].bits) == (0.5, 8)
    assert found["vocoder 1 kernels"].words == "2 of 3 kernels (3, 7)"


def test_a_spare_vocoder_stands_in_the_place_of_all_stages() -> None:
    decisions = {
        "sovits.vocoder.module": "istft-head",
        "sovits.vocoder.hidden": 288,
        "storage.sovits.vocoder": "int4",
    }
    shown = schedule_rows(decisions, REFERENCE_DIMENSIONS | {"sovits.vocoder.hidden": 576})
    (row,) = [row for row in shown if row.unit.startswith("vocoder")]
    assert (row.unit, row.kept, row.words, row.bits) == ("vocoder of spectra", 0.5, "288 of 576 wide", 4)


def test_without_dimensions_there_is_no_schedule() -> None:
    assert schedule_rows({"gpt.heads.0": 4}, {}) == ()
