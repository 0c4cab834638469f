"""What operators cost in the company of others: one factor a kind of kernel, learned from whole blocks.

Each measured block gives one equation: its time is the sum of its parts, each times the factor of its kind.
The factors are ridge regression towards 1 in relative error, so a kind that the blocks hardly show stays as
its own chain measured it. The loss is Huber's: blocks that were disturbed while measured count less.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from autocompress.hardware.blocks import Part, block_at
from autocompress.hardware.operator_table import Row

Array = np.ndarray[Any, np.dtype[np.float64]]
PartSeconds = Callable[[Part, int, float], float]  # part, threads, footprint → seconds of one execution
Key = tuple[str, str, int]  # kind, precision, threads
Shares = tuple[tuple[str, float], ...]  # kind and its share

_PULL = 0.02  # strength of the pull to 1: what an error of 14 % in one block weighs
_BELIEVED = 0.05  # relative error up to which a block counts in full
_REWEIGHTINGS = 10
# Company helps where a neighbour's result is still near, or a bound call enters more cheaply.
# Residual blocks left out of the fit are off by 3.3 to 4.8 % with 0.7 and by 4.8 to 5.5 % with 0.9 (three
# tables of an AMD EPYC); the others, and all of a Xeon, as far with either.
_LEAST, _MOST = 0.7, 2.5
# A product with one row: in a model that fits a cache or not, of few or many weights. With seven footprints
# and no sizes 88 % of whole graphs (steps 77 %) were within a tenth by the table of an EPYC, so it is 91 %
# (85 %: results/latency_model/summary.json); on three older tables it makes no difference.
_FOOTPRINTS = (16e6, 64e6)  # bytes
_WEIGHTS = (1.5e5, 2e6)
_ROWS = (16.0, 60.0, 200.0)
# Of few values the start of an operator decides, of many the memory. With one step at 30 000 instead, whole
# graphs of four tables were off by 3.9, 4.8, 5.1 and 5.2 % instead of 3.9, 4.6, 4.5 and 5.2 %.
_VALUES = (2e3, 3e4, 3e5)
_GLUE = frozenset(
    {
        "elementwise", "binary", "transcendental", "copy", "view", "transpose", "transpose_last", "softmax",
        "norm", "reduce", "lookup", "qlinear", "quantize", "quantize_dynamic", "call",
    }
)  # fmt: skip
_WIDE = 2.5e5  # weights of one convolution that leave the near caches


def kind_of(family: str, m: float, k: float, n: float) -> str | None:
    """Kernels that share a factor: bound by weights from afar, by arithmetic, or between products (glue).

    ``None`` for kernels that no block holds: they keep their own chain's time.
    """
    if family == "gemm":
        return "gemv" if m <= 1 else "gemm"
    if family == "conv_dilated":
        return "conv"
    if family == "conv" and k * n > _WIDE:
        return "conv_wide"
    if family in ("bmm", "conv", "cache", "skip_norm", "attention"):
        return family
    if family in _GLUE:
        return "glue"
    return None


@lru_cache(maxsize=1 << 16)
def shares_of(family: str, m: float, k: float, n: float, footprint_bytes: float) -> Shares:
    """Kinds of factors that an operator's own is mixed of; empty where it has none.

    Products with one row have a factor that goes with how much the model touches: what a chain of products
    keeps in a cache, the operators between them drive out. It goes with their own size, too: small ones are
    over before their weights come in a stream.
    """
    kind = kind_of(family, m, k, n)
    if kind == "gemv":
        return tuple(
            both
            for name, share in _between(kind, max(footprint_bytes, 1.0), _FOOTPRINTS)
            for both in _between(f"{name}-", k * n, _WEIGHTS, share)
        )
    if kind == "gemm":
        return _between(kind, m, _ROWS)
    if kind == "glue":
        return _between(kind, max(m * n, 1.0), _VALUES)
    return ((kind, 1.0),) if kind else ()


def _between(kind: str, at: float, knots: tuple[float, ...], whole: float = 1.0) -> Shares:
    place = float(np.interp(np.log(at), np.log(knots), range(len(knots))))
    low = int(min(place, len(knots) - 2))
    return (f"{kind}{low}", whole * (low + 1 - place)), (f"{kind}{low + 1}", whole * (place - low))


def fit_factors(blocks: Iterable[Row], seconds: PartSeconds) -> dict[Key, float]:
    """Factors by kind, precision and threads."""
    rows = list(blocks)
    factors: dict[Key, float] = {}
    for threads in sorted({row.threads for row in rows}):
        factors |= _fit_threads([row for row in rows if row.threads == threads], threads, seconds)
    return factors


def _fit_threads(rows: list[Row], threads: int, seconds: PartSeconds) -> dict[Key, float]:
    from scipy.optimize import lsq_linear  # a third of a second, and devices without a table need none of it

    shares = [_shares(row, threads, seconds) for row in rows]
    keys = sorted({key for share in shares for key in share})
    matrix = np.array([[share.get(key, 0.0) for key in keys] for share in shares])  # of the measured time
    pull = np.sqrt(_PULL) * np.eye(len(keys))
    trust, factors = np.ones(len(rows)), np.ones(len(keys))
    for _ in range(_REWEIGHTINGS):
        found = lsq_linear(
            np.concatenate([matrix * trust[:, None], pull]),
            np.concatenate([trust, pull.sum(axis=1)]),
            (_LEAST, _MOST),
        )
        factors = found.x
        trust = np.minimum(1.0, _BELIEVED / np.maximum(np.abs(matrix @ factors - 1), 1e-9)) ** 0.5
    return dict(zip(keys, map(float, factors), strict=True))


def _shares(row: Row, threads: int, seconds: PartSeconds) -> dict[Key, float]:
    """Predicted time of each kind over the measured time of the block."""
    block = block_at(row.family, row.batch, row.m, row.k, row.n, row.taps, row.precision).parts()
    shares: dict[Key, float] = {}
    for part in block.parts:
        time = part.count * seconds(part, threads, block.footprint_bytes)
        for kind, share in shares_of(part.family, part.m, part.k, part.n, block.footprint_bytes):
            key = (kind, part.precision, threads)
            shares[key] = shares.get(key, 0.0) + share * time / row.seconds
    return shares
