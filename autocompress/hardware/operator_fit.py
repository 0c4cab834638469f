"""Time of an operator from the measured table of a machine: roofline × fitted efficiency, in logarithms.

For each kernel (family, precision, threads), ``seconds = base / efficiency`` with

    base = dispatch + max(work / peak, bytes / bandwidth)

where peak, bandwidth and dispatch are the best that the table shows for this kernel, and ``log efficiency``
is a smooth function (:mod:`.smooth`) of the logarithms of the shape. Far from every measured point the
efficiency returns to its trend, and the roofline carries the prediction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autocompress.hardware.blocks import Part, is_block
from autocompress.hardware.in_situ import Shares as FactorShares
from autocompress.hardware.in_situ import fit_factors, shares_of
from autocompress.hardware.operator_table import Row
from autocompress.hardware.smooth import Smooth, fit_smooth

Array = np.ndarray[Any, np.dtype[np.float64]]

_WEIGHT_BYTES = {"fp32": 4.0, "int8": 1.0, "int8_dynamic": 1.0, "int8_weights": 1.0, "int4": 0.5}
_CONVOLUTIONS = frozenset({"conv", "conv_point", "conv_dilated", "conv_nchwc"})
_PRODUCTS = _CONVOLUTIONS | {"gemm", "bmm", "depthwise", "conv_transpose", "recurrent"}
_BY_FOOTPRINT = frozenset({"gemm", "cache", "choose"})
_LENGTHS = np.array([1.5, 1.5, 1.5, 1.5, 1.0, 1.0, 0.4])
_LANES = 16  # channels that a vector kernel handles together
_NEAR_BYTES = 8e6  # what a probe of many rows touches


@dataclass(frozen=True)
class Shapes:
    """Coordinates of many operators of one kernel, as arrays of one length."""

    batch: Array
    m: Array
    k: Array
    n: Array
    taps: Array
    footprint: Array

    @classmethod
    def of(cls, rows: Iterable[Any]) -> "Shapes":
        """From table rows (anything with the six attributes)."""
        names = ("batch", "m", "k", "n", "taps", "footprint_bytes")
        table = np.array([[getattr(row, name) for name in names] for row in rows], float).reshape(-1, 6)
        return cls(*np.maximum(table, 1.0).T)

    def take(self, index: Any) -> "Shapes":
        parts = (self.batch, self.m, self.k, self.n, self.taps, self.footprint)
        return Shapes(*(part[index] for part in parts))


def work_and_bytes(family: str, precision: str, at: Shapes) -> tuple[Array, Array]:
    """Operations and traffic of each shape; the same count for table rows and for queries."""
    width = _WEIGHT_BYTES.get(precision, 4.0)
    if family == "attention":
        return 4.0 * at.m * at.k * at.n + 12.0 * at.batch * at.m * at.n, 8.0 * at.k * (at.n + at.m)
    if family not in _PRODUCTS:
        elements = at.batch * at.m * at.n
        return elements, 8.0 * elements
    work = 2.0 * at.batch * at.m * at.k * at.n
    right = at.batch * at.k * at.n * (4.0 if family == "bmm" else width)
    inner = (
        at.k / at.taps if family.startswith(("conv", "depthwise")) and family != "conv_transpose" else at.k
    )
    outer = at.n / at.taps if family == "conv_transpose" else at.n
    return work, right + 4.0 * at.batch * at.m * (inner + outer)


def features(family: str, at: Shapes) -> Array:
    """Logarithms of the shape, [n, 7]; symmetric in the two channel counts, as the probes are.

    The last is how much is computed in vain because channels do not fill the vector lanes.
    """
    inner = at.k / at.taps if family in _CONVOLUTIONS else at.k
    outer = at.n / at.taps if family == "conv_transpose" else at.n
    inner = np.maximum(inner, 1.0)
    footprint = at.footprint if family in _BY_FOOTPRINT else np.ones_like(at.m)
    filled = np.ceil(inner / _LANES) * np.ceil(outer / _LANES) * _LANES**2
    padding = filled / (inner * outer) if family.startswith(("conv", "gemm")) else np.ones_like(at.m)
    columns = (
        at.m,
        inner * outer,
        np.exp(np.abs(np.log(outer / inner))),
        at.batch,
        at.taps,
        footprint,
        padding,
    )
    return np.asarray(np.log(np.stack(columns, axis=1)))


@dataclass(frozen=True)
class Kernel:
    """Fitted time of one kernel; :meth:`seconds` is vectorised over shapes."""

    family: str
    precision: str
    peak: float
    bandwidth: "Bandwidth"
    dispatch_s: float
    log_inefficiency: Smooth  # of the 7 features

    def seconds(self, at: Shapes) -> Array:
        """Seconds of each shape."""
        inefficiency = np.exp(self.log_inefficiency.at(features(self.family, at)))
        return np.asarray(self.base(at) * inefficiency + self._from_afar(at))

    def _from_afar(self, at: Shapes) -> Array:
        """What many rows wait for weights that come from further away than their probe's: not overlapped."""
        if self.family != "gemm":
            return np.zeros_like(at.m)
        near = np.full_like(at.m, _NEAR_BYTES)
        wait = 1 / self.bandwidth.at(np.maximum(at.footprint, near)) - 1 / self.bandwidth.at(near)
        weights = _WEIGHT_BYTES.get(self.precision, 4.0) * at.k * at.n
        return np.where(at.m > 1, weights * np.maximum(wait, 0.0), 0.0)

    def base(self, at: Shapes) -> Array:
        return _base(self.family, self.precision, at, self.peak, self.bandwidth, self.dispatch_s)


@dataclass(frozen=True)
class Bandwidth:
    """Bytes a second by how much one run touches: the nearer cache is the faster one.

    Interpolated in the logarithm of the footprint; one level where the footprint was not varied.
    """

    log_footprint: Array
    bytes_s: Array

    @classmethod
    def of(cls, at: Shapes, traffic: Array, seconds: Array) -> "Bandwidth":
        """The typical rate at each footprint with one row (more rows are bound by arithmetic)."""
        thin = at.m <= np.min(at.m)
        levels = np.unique(at.footprint[thin])
        best = [np.median((traffic / seconds)[thin & (at.footprint == level)]) for level in levels]
        return cls(np.log(levels), np.array(best))

    def at(self, footprint: Array) -> Array:
        return np.asarray(np.interp(np.log(footprint), self.log_footprint, self.bytes_s))


def _base(
    family: str, precision: str, at: Shapes, peak: float, bandwidth: Bandwidth, dispatch_s: float
) -> Array:
    work, traffic = work_and_bytes(family, precision, at)
    per_value = 1e-6 * at.m if family == "call" else np.zeros_like(at.m)
    return np.asarray(dispatch_s + per_value + np.maximum(work / peak, traffic / bandwidth.at(at.footprint)))


def fit_kernel(rows: Sequence[Row], dispatch_s: float) -> Kernel:
    """Fit one kernel to its rows (one family, precision and thread count)."""
    family, precision = rows[0].family, rows[0].precision
    at, seconds = Shapes.of(rows), np.array([row.seconds for row in rows])
    work, traffic = work_and_bytes(family, precision, at)
    peak, bandwidth = float(np.max(work / seconds)), _bandwidth(family, at, traffic, seconds)
    x = features(family, at)
    y = np.log(seconds / _base(family, precision, at, peak, bandwidth, dispatch_s))
    smooth = fit_smooth(x, y, _LENGTHS)
    return Kernel(family, precision, peak, bandwidth, dispatch_s, smooth)


def _bandwidth(family: str, at: Shapes, traffic: Array, seconds: Array) -> Bandwidth:
    if family in _BY_FOOTPRINT:
        return Bandwidth.of(at, traffic, seconds)
    return Bandwidth(np.zeros(1), np.array([np.max(traffic / seconds)]))


# Where a kernel was not measured, the one whose time it resembles most.
_STAND_INS = {
    "depthwise_nchwc": "depthwise", "conv_nchwc": "conv", "pool": "pool_nchwc", "pool_nchwc": "elementwise",
    "fourier": "transcendental", "unknown": "copy", "binary": "elementwise",
    "transpose": "copy", "transpose_last": "transpose", "quantize": "elementwise",
    "quantize_dynamic": "quantize", "skip_norm": "norm", "cache": "copy",
    "lookup": "elementwise", "qlinear": "binary", "reduce": "elementwise", "norm": "transcendental",
    "softmax": "transcendental", "recurrent": "gemm", "bmm": "gemm", "depthwise": "conv",
    "conv_transpose": "conv",
}  # fmt: skip
_PLAINER = {"conv_point": "conv", "conv_dilated": "conv"}  # of the same precision
_PRECISION_STAND_INS = {
    "int8_dynamic": "int8",
    "int8_weights": "int8",
    "int4": "int8_weights",
    "int8": "fp32",
    "fp16": "fp32",
}


@dataclass(frozen=True)
class TableModel:
    """Every kernel of one machine, by family, precision and threads."""

    kernels: dict[tuple[str, str, int], Kernel]
    threads: tuple[int, ...]
    factors: dict[tuple[str, str, int], float] = field(default_factory=dict)
    spread: float = 0.0  # of the runs of a row, ninth decile over the rows

    def seconds(self, family: str, precision: str, threads: int, at: Shapes) -> Array:
        """Seconds of each shape; between measured thread counts interpolated in the logarithm."""
        if family == "attention":
            return self._attention(threads, at)
        return self._one_kernel(family, precision, threads, at)

    def _one_kernel(self, family: str, precision: str, threads: int, at: Shapes) -> Array:
        below = max([t for t in self.threads if t <= threads], default=self.threads[0])
        above = min([t for t in self.threads if t >= threads], default=self.threads[-1])
        first = self._measured(family, precision, below, at)
        if below == above:
            return first
        second = self._measured(family, precision, above, at)
        share = np.log(threads / below) / np.log(above / below)
        return np.asarray(first ** (1 - share) * second**share)

    def _has(self, family: str) -> bool:
        return any(key[0] == family for key in self.kernels)

    def _attention(self, threads: int, at: Shapes) -> Array:
        """Fused attention: one new position as the probe over a cache shows, more rows by their parts."""
        if not self._has("attention"):
            return self._attention_by_parts(threads, at)
        cached = self._one_kernel("attention", "fp32", threads, at)
        return np.where(at.m <= 1, cached, self._attention_by_parts(threads, at))

    def _attention_by_parts(self, threads: int, at: Shapes) -> Array:
        """Two products and a softmax; ``k`` is the width of all heads."""
        head = np.maximum(at.k / at.batch, 1.0)
        scores, mixed = replace(at, k=head), replace(at, k=at.n, n=head)
        rows = replace(at, batch=np.ones_like(at.m), m=at.batch * at.m, k=np.ones_like(at.m))
        products = self.seconds("bmm", "fp32", threads, scores) + self.seconds("bmm", "fp32", threads, mixed)
        return np.asarray(products + self.seconds("softmax", "fp32", threads, rows))

    def _measured(self, family: str, precision: str, threads: int, at: Shapes) -> Array:
        """At a measured thread count, with the factor of its kind inside a model."""
        alone = self.kernel(family, precision, threads).seconds(at)
        if not self.factors:
            return alone
        operators = zip(at.m, at.k, at.n, at.footprint, strict=True)
        factors = [self._factor(shares_of(family, *sizes), precision, threads) for sizes in operators]
        return np.asarray(alone * factors)

    def _factor(self, shares: FactorShares, precision: str, threads: int) -> float:
        factors = [share * self.factors.get((kind, precision, threads), 1.0) for kind, share in shares]
        return sum(factors) if factors else 1.0

    def kernel(self, family: str, precision: str, threads: int) -> Kernel:
        """The kernel itself or its nearest stand-in."""
        while (family, precision, threads) not in self.kernels:
            if family in _PLAINER:
                family = _PLAINER[family]
            elif precision in _PRECISION_STAND_INS:
                precision = _PRECISION_STAND_INS[precision]
            else:
                family, precision = _STAND_INS.get(family, "elementwise"), "fp32"
        return self.kernels[family, precision, threads]


def fit_table(rows: Iterable[Row]) -> TableModel:
    """Fit every kernel of a table."""
    groups: dict[tuple[str, str, int], list[Row]] = {}
    table: list[Row] = []
    blocks: list[Row] = []
    for row in rows:
        (blocks if is_block(row.family) else table).append(row)
    call_s = {row.threads: row.seconds / row.m for row in table if row.family == "call" and row.m > 1}
    for row in table:
        mended = _without_call(row, call_s)
        groups.setdefault((row.family, row.precision, row.threads), []).append(mended)
    threads = tuple(sorted({key[2] for key in groups}))
    dispatch = {t: _dispatch(groups, t) for t in threads}
    kernels = {key: fit_kernel(members, dispatch[key[2]]) for key, members in groups.items()}
    alone = TableModel(kernels, threads)

    def part_seconds(part: Part, count: int, footprint_bytes: float) -> float:
        row = Row(
            part.family, part.precision, count, part.batch, part.m, part.k, part.n, part.taps,
            int(footprint_bytes), 0.0, 0.0,
        )  # fmt: skip
        return float(alone.seconds(part.family, part.precision, count, Shapes.of([row]))[0])

    spread = float(np.quantile([row.spread for row in (*table, *blocks)], 0.9))
    return replace(alone, factors=fit_factors(blocks, part_seconds), spread=spread)


def _dispatch(groups: dict[tuple[str, str, int], list[Row]], threads: int) -> float:
    """Cost of one operator that does nothing."""
    rows = groups.get(("view", "fp32", threads), [])
    return min((row.seconds for row in rows), default=5e-7)


def _without_call(row: Row, call_s: dict[int, float]) -> Row:
    """A cache probe's time includes its share of the call, two inputs and an output: taken off."""
    if row.family != "cache":
        return row
    return replace(row, seconds=max(row.seconds - 1.5 * call_s.get(row.threads, 0.0), 0.3 * row.seconds))
