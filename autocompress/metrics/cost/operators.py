"""Operators by their shapes, as ONNX Runtime executes them: the terms that costs are sums of.

A precision is what the kernel computes in. Narrow storage alone is widened when the graph is loaded: it costs
bytes on disk, not seconds.
"""

from dataclasses import replace

from autocompress.hardware.graph import SCALE_BY_COLUMN, Operator, conv_family

_SHARED_SCALES = {"int4": 32, "int8": SCALE_BY_COLUMN}  # as graphs are written: transforms.onnx_precision
WEIGHT_BYTES = {"fp32": 4.0, "int8": 1.0, "int8_dynamic": 1.0, "int4": 0.625}


def _operator(family: str, read: float, written: float, work: float) -> Operator:
    return Operator(
        name=family,
        op_type=family,
        family=family,
        precision="fp32",
        work=work,
        read_bytes=4.0 * read,
        written_bytes=4.0 * written,
        weight_bytes=0.0,
    )


def gemm(m: int, k: int, n: int, precision: str = "fp32", count: int = 1) -> Operator:
    """[m, k] by a weight [k, n]."""
    return replace(
        _operator("gemm", m * k, m * n, 2.0 * m * k * n),
        precision=precision,
        weight_bytes=k * n * WEIGHT_BYTES[precision],
        m=m,
        k=k,
        n=n,
        taps=_SHARED_SCALES.get(precision, 1),
        count=count,
    )


def bmm(batch: int, m: int, k: int, n: int, count: int = 1) -> Operator:
    """Two activations: [batch, m, k] by [batch, k, n]."""
    read = batch * (m * k + k * n)
    bare = _operator("bmm", read, batch * m * n, 2.0 * batch * m * k * n)
    return replace(bare, batch=batch, m=m, k=k, n=n, count=count)


def conv(m: int, channels: int, n: int, taps: int = 1, precision: str = "fp32", count: int = 1) -> Operator:
    """``m`` positions, ``channels`` in, ``n`` out."""
    k = channels * taps
    return replace(
        _operator(conv_family(precision, m, channels), m * channels, m * n, 2.0 * m * k * n),
        precision=precision,
        weight_bytes=k * n * WEIGHT_BYTES[precision],
        m=m,
        k=k,
        n=n,
        taps=taps,
        count=count,
    )


def depthwise(m: int, channels: int, taps: int) -> Operator:
    """Every channel by itself, over ``m`` positions."""
    values = m * channels
    bare = _operator("depthwise", values, values, 2.0 * values * taps)
    return replace(bare, weight_bytes=4.0 * channels * taps, batch=channels, m=m, k=taps, n=1, taps=taps)


def conv_transpose(m: int, channels: int, n: int, taps: int, rate: int) -> Operator:
    """``m`` positions in, ``m · rate`` out."""
    bare = _operator("conv_transpose", m * channels, m * rate * n, 2.0 * m * channels * n * taps)
    return replace(bare, weight_bytes=4.0 * channels * n * taps, m=m, k=channels, n=n * taps, taps=taps)


def attention(heads: int, width: int, queries: int, keys: int) -> Operator:
    """Fused attention: ``queries`` rows look at ``keys`` rows of ``width`` features over all heads."""
    work = 4.0 * queries * keys * width + 12.0 * queries * keys * heads
    bare = _operator("attention", (queries + 2.0 * keys) * width, queries * width, work)
    return replace(bare, batch=heads, m=queries, k=width, n=keys)


def softmax(rows: int, columns: int) -> Operator:
    values = rows * columns
    return replace(_operator("softmax", values, values, 12.0 * values), m=rows, n=columns)


def reduction(rows: int, columns: int) -> Operator:
    """One value of each row."""
    values = rows * columns
    return replace(_operator("reduce", values, rows, values), m=rows, n=columns)


def norm(rows: int, columns: int, *, skip: bool = False, count: int = 1) -> Operator:
    """Layer normalisation; ``skip`` adds a second input first."""
    values = rows * columns
    family, reads, work = ("skip_norm", 2, 9.0) if skip else ("norm", 1, 8.0)
    bare = _operator(family, reads * values, values, work * values)
    return replace(bare, m=rows, n=columns, count=count)


def elementwise(values: int, count: int = 1) -> Operator:
    return replace(_operator("elementwise", values, values, values), n=values, count=count)


def binary(values: int, count: int = 1) -> Operator:
    return replace(_operator("binary", 2 * values, values, values), n=values, count=count)


def transcendental(values: int, count: int = 1) -> Operator:
    return replace(_operator("transcendental", values, values, 20.0 * values), n=values, count=count)


def copy(values: int, count: int = 1) -> Operator:
    return replace(_operator("copy", values, values, 0.0), n=values, count=count)


def transpose(values: int, count: int = 1, *, last: bool = False) -> Operator:
    """``last`` moves the last axis: every element by itself."""
    return replace(
        _operator("transpose_last" if last else "transpose", values, values, 0.0), n=values, count=count
    )


def quantize(values: int, count: int = 1) -> Operator:
    """fp32 → int8 of what a dynamic kernel reads."""
    return replace(_operator("quantize", values, values / 4, 3.0 * values), n=values, count=count)


def choose(vocabulary: int) -> Operator:
    """A token drawn from its logits on the host; where that was not measured, one small operator."""
    return replace(_operator("choose", 0.0, 0.0, 0.0), n=vocabulary)


def view(count: int) -> Operator:
    """Dispatch alone: reshape, squeeze, shape."""
    return replace(_operator("view", 0.0, 0.0, 0.0), count=count)


def call(values: int) -> Operator:
    """Entering the runtime with so many inputs and outputs."""
    return replace(_operator("call", 0.0, 0.0, 0.0), m=values)
