"""Weights in huge pages: a decoding step streams all of them, and small pages hold it back by a tenth."""

import ctypes
import mmap
import sys
from pathlib import Path

_HUGE_BYTES = 2 << 20
_SMALLEST_BYTES = 2 * _HUGE_BYTES
_COLLAPSE = 25  # MADV_COLLAPSE, Linux 6.1 and later


def use_huge_pages() -> int:
    """Move this process's large private memory into huge pages; returns the bytes moved, 0 where it cannot.

    Only where memory lies changes, never what it holds. Call it after opening sessions.
    """
    maps = Path("/proc/self/maps")
    if not sys.platform.startswith("linux") or mmap.PAGESIZE != 4096 or not maps.is_file():
        return 0
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    moved = 0
    for start, end in _large_private(maps.read_text()):
        if madvise(start, end - start, _COLLAPSE) == 0:
            moved += end - start
    return moved


def _large_private(maps: str) -> list[tuple[int, int]]:
    """Aligned ranges of writable memory that no file backs."""
    out = []
    for line in maps.splitlines():
        addresses, rights, _, _, inode, *name = line.split()
        if not rights.startswith("rw-p") or inode != "0" or name not in ([], ["[heap]"]):
            continue
        start, end = (int(address, 16) for address in addresses.split("-"))
        start, end = -(-start // _HUGE_BYTES) * _HUGE_BYTES, end // _HUGE_BYTES * _HUGE_BYTES
        if end - start >= _SMALLEST_BYTES:
            out.append((start, end))
    return out
