"""Dynamic time warping: which frames of two recordings are the same moment of the sentence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Alignment:
    """Pairs of frames in order, and the distance of each pair."""

    one: NDArray[np.int64]  # [n_pairs]
    other: NDArray[np.int64]  # [n_pairs]
    distances: NDArray[np.float64]  # [n_pairs]


def align(one: NDArray[np.float64], other: NDArray[np.float64]) -> Alignment:
    """Path of least Euclidean distance through ``one`` [n, d] and ``other`` [m, d] (Sakoe and Chiba 1978)."""
    squared = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    distances = np.sqrt(np.maximum(squared, 0))
    rows, columns = _cheapest_path(_accumulated(distances))
    return Alignment(rows, columns, distances[rows, columns])


def _accumulated(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least cost to reach each cell; anti-diagonals are independent, so each is one vector operation."""
    n, m = distances.shape
    total = np.full((n + 1, m + 1), np.inf)
    total[0, 0] = 0
    for diagonal in range(n + m - 1):
        rows = np.arange(max(0, diagonal - m + 1), min(n, diagonal + 1))
        columns = diagonal - rows
        cheapest = np.minimum(
            total[rows, columns], np.minimum(total[rows, columns + 1], total[rows + 1, columns])
        )
        total[rows + 1, columns + 1] = distances[rows, columns] + cheapest
    return total


def _cheapest_path(total: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    row, column = total.shape[0] - 1, total.shape[1] - 1
    path = []
    while row > 0 and column > 0:
        path.append((row - 1, column - 1))
        steps = ((row - 1, column - 1), (row - 1, column), (row, column - 1))
        row, column = min(steps, key=lambda cell: total[cell])
    rows, columns = np.array(path[::-1], dtype=np.int64).T
    return rows, columns
