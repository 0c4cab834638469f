"""Whether a machine is as fast now as when its table was measured: some whole blocks of it once more."""

from collections.abc import Sequence

import numpy as np

from autocompress.hardware.blocks import block_at, is_block
from autocompress.hardware.operator_table import Row
from autocompress.hardware.profiler.probes import Probe
from autocompress.hardware.profiler.timing import time_probe

_MOST_BYTES = 3e7  # a block of ten times as many takes seconds to make


def pace(table: Sequence[Row], threads: int, *, blocks: int = 5, window_s: float = 0.1) -> float:
    """How many times as long as predicted blocks of the table take now: the median of some.

    ``blocks`` of them are spread over the table and timed for ``window_s`` seconds each. 1.0 for a table that
    has none on so many threads. What other programs added when it was measured is part of a prediction.
    """
    rows = [row for row in table if is_block(row.family) and row.threads == threads and _is_small(row)]
    some = np.unique(np.linspace(0, len(rows) - 1, min(blocks, len(rows))).round().astype(int))
    ratios = [_seconds_now(rows[i], window_s) / rows[i].on_the_whole().seconds for i in some]
    return float(np.median(ratios)) if ratios else 1.0


def _is_small(row: Row) -> bool:
    block = block_at(row.family, row.batch, row.m, row.k, row.n, row.taps, row.precision)
    return block.parts().footprint_bytes <= _MOST_BYTES


def _seconds_now(row: Row, window_s: float) -> float:
    shape = (row.batch, row.m, row.k, row.n, row.taps, row.footprint_bytes)
    return time_probe(Probe(row.family, row.precision, *shape), row.threads, window_s).mean_s
