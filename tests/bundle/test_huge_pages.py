import ctypes
import sys
from pathlib import Path

import numpy as np
import pytest

from autocompress.bundle import huge_pages
from autocompress.bundle.huge_pages import (
    large_private_ranges,
    move_to_huge_pages,
    weights_in_huge_pages,
    without,
)

MAPS = """\
7f0000100000-7f0001000000 rw-p 00000000 00:00 0
7f0010000000-7f0010100000 rw-p 00000000 00:00 0
7f0020000000-7f0022000000 r--p 00000000 00:00 0
7f0030000000-7f0032000000 rw-p 00000000 fe:00 77 /models/weights.bin
7f0040000000-7f0042000000 rw-s 00000000 00:01 0 /dev/zero (deleted)
55d000000000-55d000900000 rw-p 00000000 00:00 0 [heap]
7ffc00000000-7ffc00900000 rw-p 00000000 00:00 0 [stack]
"""
MB = 1 << 20
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere it does nothing anyway")


@pytest.fixture
def moved(monkeypatch):
    """What was asked to be moved."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(huge_pages, "move_to_huge_pages", lambda ranges: asked.extend(ranges) or 0)
    return asked


@on_linux
def test_only_large_writable_memory_of_this_process_is_moved_and_only_whole_huge_pages(tmp_path, monkeypatch):
    (tmp_path / "maps").write_text(MAPS)
    monkeypatch.setattr(huge_pages, "_MAPS", tmp_path / "maps")
    assert large_private_ranges() == [
        (0x7F0000200000, 0x7F0001000000),
        (0x55D000000000, 0x55D000800000),
    ]


def test_what_memory_holds_stays():
    array = np.arange(4 << 20, dtype=np.int64)
    assert move_to_huge_pages(large_private_ranges()) >= 0
    assert np.array_equal(array, np.arange(4 << 20, dtype=np.int64))


@on_linux
def test_only_what_was_allocated_inside_is_moved(moved):
    outside = np.ones(32 * MB, np.uint8)
    with weights_in_huge_pages(256 * MB):
        inside = np.ones(64 * MB, np.uint8)  # more than malloc ever takes from memory that it holds already
    assert any(start <= inside.ctypes.data + 16 * MB < end for start, end in moved)
    assert not any(start <= outside.ctypes.data + 16 * MB < end for start, end in moved)


def test_little_weights_are_left_where_they_lie(moved):
    with weights_in_huge_pages(weight_bytes=100 * MB):
        inside = np.ones(32 * MB, np.uint8)
    assert inside.all() and not moved


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ([], [(0, 40 * MB)]),
        ([(0, 40 * MB)], []),
        ([(0, 10 * MB)], [(10 * MB, 40 * MB)]),
        ([(10 * MB, 20 * MB)], [(0, 10 * MB), (20 * MB, 40 * MB)]),
        ([(10 * MB, 20 * MB), (22 * MB, 30 * MB)], [(0, 10 * MB), (30 * MB, 40 * MB)]),
        ([(50 * MB, 60 * MB)], [(0, 40 * MB)]),
    ],
)
def test_a_range_is_cut_where_memory_lay_before(before, left):
    assert without([(0, 40 * MB)], before) == left


@on_linux
def test_nothing_is_done_on_other_systems(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert large_private_ranges() == []


def test_a_system_that_refuses_is_no_error(monkeypatch):
    monkeypatch.setattr(huge_pages, "_MAPS", Path("/proc/there/is/none"))
    with weights_in_huge_pages(1 << 30):
        pass
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert move_to_huge_pages([(0, 4 * MB)]) == 0
