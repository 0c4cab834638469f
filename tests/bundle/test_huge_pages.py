import sys

import numpy as np
import pytest

from autocompress.bundle import huge_pages
from autocompress.bundle.huge_pages import use_huge_pages

MAPS = """\
7f0000100000-7f0001000000 rw-p 00000000 00:00 0
7f0010000000-7f0010100000 rw-p 00000000 00:00 0
7f0020000000-7f0022000000 r--p 00000000 00:00 0
7f0030000000-7f0032000000 rw-p 00000000 fe:00 77 /models/weights.bin
7f0040000000-7f0042000000 rw-s 00000000 00:01 0 /dev/zero (deleted)
55d000000000-55d000900000 rw-p 00000000 00:00 0 [heap]
7ffc00000000-7ffc00900000 rw-p 00000000 00:00 0 [stack]
"""


def test_only_large_writable_memory_of_this_process_is_moved_and_only_whole_huge_pages():
    assert huge_pages._large_private(MAPS) == [
        (0x7F0000200000, 0x7F0001000000),
        (0x55D000000000, 0x55D000800000),
    ]


def test_what_memory_holds_stays():
    array = np.arange(4 << 20, dtype=np.int64)
    assert use_huge_pages() >= 0
    assert np.array_equal(array, np.arange(4 << 20, dtype=np.int64))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere it does nothing anyway")
def test_nothing_is_done_on_other_systems(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert use_huge_pages() == 0
