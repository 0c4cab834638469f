"""Measured operator tables: written, read back, and refused when they cannot be true."""

from dataclasses import replace

import pytest

from autocompress.errors import ProfileError
from autocompress.hardware.operator_table import (
    COLUMNS,
    Row,
    is_operator_table,
    read_table,
    without_disturbed,
    write_table,
)

ROW = Row("gemm", "fp32", 1, 1, 1, 512, 512, 1, 8_000_000, 1e-4, 0.02)


def test_a_table_reads_back_as_written(tmp_path) -> None:
    rows = [ROW, replace(ROW, k=1024, seconds=2e-4, mean_s=3e-4)]
    write_table(tmp_path / "t.csv", rows)
    assert read_table(tmp_path / "t.csv") == rows
    assert is_operator_table(tmp_path / "t.csv")


def test_a_table_of_before_means_were_kept_is_read_and_takes_its_seconds_for_them(tmp_path) -> None:
    old = ",".join(COLUMNS[:-1]) + "\ngemm,fp32,1,1,1,512,512,1,8000000,0.0001,0.02\n"
    (tmp_path / "t.csv").write_text(old)
    assert is_operator_table(tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv") == [ROW]
    assert ROW.on_the_whole() == ROW
    assert replace(ROW, mean_s=3e-4).on_the_whole().seconds == 3e-4


BAD = [{"seconds": 0.0}, {"seconds": -1e-4}, {"spread": -0.1}, {"m": 0}, {"mean_s": -1.0}]


@pytest.mark.parametrize("bad", BAD)
def test_an_impossible_row_is_refused_with_its_line(tmp_path, bad) -> None:
    write_table(tmp_path / "t.csv", [ROW, replace(ROW, **bad)])
    with pytest.raises(ProfileError, match="line 3"):
        read_table(tmp_path / "t.csv")


def test_a_larger_operator_in_much_less_time_is_refused_with_its_line(tmp_path) -> None:
    write_table(tmp_path / "t.csv", [ROW, replace(ROW, k=2048, seconds=1e-5)])
    with pytest.raises(ProfileError, match="line 3"):
        read_table(tmp_path / "t.csv")


def test_another_csv_is_no_operator_table(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("device,latency\npi,1\n")
    assert not is_operator_table(tmp_path / "t.csv")
    with pytest.raises(ProfileError, match="needs the columns"):
        read_table(tmp_path / "t.csv")


def test_full_vector_lanes_may_be_faster_than_fewer_channels(tmp_path) -> None:
    """Measured: an int8 convolution of 16 channels takes a third of the time of one of 12."""
    rows = [replace(ROW, k=12, n=12, seconds=9e-5), replace(ROW, k=16, n=16, seconds=3e-5)]
    write_table(tmp_path / "t.csv", rows)
    assert read_table(tmp_path / "t.csv") == rows


def test_a_disturbed_point_is_left_out_and_the_table_can_be_read(tmp_path) -> None:
    larger = replace(ROW, footprint_bytes=9_000_000, seconds=1.1e-4)
    disturbed = replace(ROW, seconds=3e-4)
    rows = without_disturbed([disturbed, larger, replace(ROW, k=2048, seconds=5e-4)])
    assert disturbed not in rows and len(rows) == 2
    write_table(tmp_path / "t.csv", rows)
    assert read_table(tmp_path / "t.csv") == list(rows)


def test_a_table_without_contradictions_stays_as_it_is() -> None:
    rows = (ROW, replace(ROW, k=1024, seconds=2e-4), replace(ROW, precision="int8", seconds=1e-5))
    assert without_disturbed(rows) == rows
