"""Read bandwidth of main memory, with numpy: summing a vector that no cache holds."""

import threading
import time
from typing import Any

import numpy as np

_VECTOR_BYTES = 256 * 2**20
_REPEATS = 7


def read_bandwidth(threads: int = 1, vector_bytes: int = _VECTOR_BYTES) -> float:
    """Bytes a second that ``threads`` threads read, best of a few passes (numpy frees the lock meanwhile)."""
    slices = np.array_split(np.ones(vector_bytes // 8, np.int64), threads)
    best = min(_pass_seconds(slices) for _ in range(_REPEATS))
    return vector_bytes / best


def _pass_seconds(slices: "list[np.ndarray[Any, Any]]") -> float:
    workers = [threading.Thread(target=np.bitwise_or.reduce, args=(part,)) for part in slices[1:]]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    np.bitwise_or.reduce(slices[0])
    for worker in workers:
        worker.join()
    return time.perf_counter() - start


def sleep_overshoot_s(asked_s: float = 0.001, repeats: int = 50) -> float:
    """How much longer than asked a short sleep lasts (median): what a program that waits must reckon with."""
    late = []
    for _ in range(repeats):
        start = time.perf_counter()
        time.sleep(asked_s)
        late.append(time.perf_counter() - start - asked_s)
    return float(np.median(late))
