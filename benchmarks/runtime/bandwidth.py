"""Read bandwidth of this machine: ``python bandwidth.py MEGABYTES THREADS`` prints bytes a second.

An array as large as the step's weights is read again and again; the best of three ways of reading, each
the best of several passes, is the bandwidth. So the limit that follows from it is the hardest that this
machine can be held to, its caches included.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy loads: the threads are ours

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

ROW, PASSES = 512, 7


def read_bytes_per_s(total_bytes: int, threads: int) -> float:
    rows = total_bytes // (4 * ROW) // threads
    parts = [np.ones((rows, ROW), np.float32) for _ in range(threads)]
    vector = np.ones(ROW, np.float32)
    ways: tuple[Callable, ...] = (np.max, np.sum, lambda part: part @ vector)
    with ThreadPoolExecutor(threads) as pool:
        best_s = min(_pass_s(pool, way, parts) for way in ways for _ in range(PASSES))
    return threads * rows * ROW * 4 / best_s


def _pass_s(pool: ThreadPoolExecutor, way: Callable, parts: list[np.ndarray]) -> float:
    begin = perf_counter()
    list(pool.map(way, parts))
    return perf_counter() - begin


if __name__ == "__main__":
    print(read_bytes_per_s(int(sys.argv[1]) << 20, int(sys.argv[2])))
