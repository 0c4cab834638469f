"""Graphs of the blocks of :mod:`autocompress.hardware.blocks`, operator by operator as they run fused."""

from typing import TYPE_CHECKING, Any

import numpy as np

from autocompress.hardware.blocks import PAST, RESIDUAL_PAIRS, Residual, Step, Transformer, block_at
from autocompress.hardware.profiler.int8_weights import dynamic_weight, int8_weight, zero_point
from autocompress.hardware.profiler.probe_graph import ProbeGraph, noise, unit_scale, whole_numbers
from autocompress.hardware.profiler.product_probes import cached_attention

if TYPE_CHECKING:
    from autocompress.hardware.profiler.probes import Probe

_CONTRIB = "com.microsoft"


def build_block(probe: "Probe", graph: ProbeGraph) -> None:
    """The graph of a block; all of it is one link."""
    block = block_at(probe.family, probe.batch, probe.m, probe.k, probe.n, probe.taps, probe.precision)
    match block:
        case Transformer():
            _transformer(block, graph)
        case Step():
            _step(block, graph)
        case Residual():
            _residual(block, graph)
    graph.links = 1


def _transformer(block: Transformer, graph: ProbeGraph) -> None:
    x = graph.feed(noise(1, block.rows, block.width))
    for _ in range(block.layers):
        x = _skip_norm(graph, x, _attention(block, graph, x), block.width)
        inner = graph.add("Relu", _linear(block, graph, x, block.width, block.inner))
        x = _skip_norm(graph, x, _linear(block, graph, inner, block.inner, block.width), block.width)
    graph.output(x)


def _step(block: Step, graph: ProbeGraph) -> None:
    width, inner = block.width, block.inner
    cache = (block.heads, PAST + 1, width // block.heads)
    sizes, axis = graph.weight(np.array([width] * 3, np.int64)), graph.weight(np.array([0], np.int64))

    def product(x: str, k: int, n: int) -> str:
        return _product(graph, block.precision, x, (k, n), by_column=True)

    x = graph.feed(noise(1, width))
    for _ in range(block.layers):
        projected = graph.add("Unsqueeze", product(x, width, 3 * width), axis)
        first = graph.add("Split", projected, sizes, n_outputs=3, axis=-1)
        q, k, v = (first[:-1] + str(i) for i in range(3))
        mixed = graph.add("Squeeze", cached_attention(graph, (q, k, v), cache), axis)
        x = _summed(graph, x, product(mixed, width, width), width)
        hidden = graph.add("Relu", product(x, width, inner))
        x = _summed(graph, x, product(hidden, inner, width), width)
    graph.output(x)


def _summed(graph: ProbeGraph, x: str, other: str, width: int) -> str:
    scale, shift = graph.weight(noise(width, scale=1.0)), graph.weight(noise(width))
    return graph.add("LayerNormalization", graph.add("Add", x, other), scale, shift, axis=-1)


def _attention(block: Transformer, graph: ProbeGraph, x: str) -> str:
    width, head = block.width, block.width // block.heads
    sizes = graph.weight(np.array([width] * 3, np.int64))
    first = graph.add("Split", _linear(block, graph, x, width, 3 * width), sizes, n_outputs=3, axis=-1)
    q, k, v = (first[:-1] + str(i) for i in range(3))
    if block.past:
        k, v = (_grown(block, graph, new) for new in (k, v))
    split = graph.weight(np.array([1, -1, block.heads, head], np.int64))
    q, k, v = (graph.add("Reshape", part, split) for part in (q, k, v))
    q, v = (graph.add("Transpose", part, perm=[0, 2, 1, 3]) for part in (q, v))
    scores = graph.add(
        "FusedMatMul", q, graph.add("Transpose", k, perm=[0, 2, 3, 1]), domain=_CONTRIB, alpha=0.2
    )
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), v)
    merged = graph.add("Transpose", mixed, perm=[0, 2, 1, 3])
    joined = graph.add("Reshape", merged, graph.weight(np.array([1, block.rows, width], np.int64)))
    return _linear(block, graph, joined, width, width)


def _grown(block: Transformer, graph: ProbeGraph, new: str) -> str:
    grown = graph.add("Concat", graph.feed(noise(1, block.past, block.width)), new, axis=1)
    graph.output(grown)
    return grown


def _linear(block: Transformer, graph: ProbeGraph, x: str, k: int, n: int) -> str:
    if block.precision != "fp32":
        return _product(graph, block.precision, x, (k, n), by_column=False)
    flat = graph.add("Reshape", x, graph.weight(np.array([block.rows, k], np.int64)))
    y = _product(graph, "fp32", flat, (k, n), by_column=False)
    return graph.add("Reshape", y, graph.weight(np.array([1, block.rows, n], np.int64)))


def _product(graph: ProbeGraph, precision: str, x: str, size: tuple[int, int], *, by_column: bool) -> str:
    """A linear layer [k, n]; in fp32 of a matrix. 8-bit weights have one scale, or one a column."""
    k, n = size
    bias = graph.weight(noise(n))
    if precision == "fp32":
        return graph.add("Gemm", x, graph.weight(noise(k, n, scale=k**-0.5)), bias)
    if precision == "int8":
        quantized = dynamic_weight(graph, k, n, by_column=by_column)
        return graph.add("DynamicQuantizeMatMul", x, *quantized, bias, domain=_CONTRIB)
    blocks = -(-k // 32)
    weight = graph.weight(whole_numbers(n, blocks, 16))
    scales = graph.weight(np.full((n, blocks), unit_scale(k, 4), np.float32))
    settings = {"K": k, "N": n, "bits": 4, "block_size": 32, "accuracy_level": 4}
    return graph.add("MatMulNBits", x, weight, scales, "", "", bias, domain=_CONTRIB, **settings)


def _skip_norm(graph: ProbeGraph, x: str, skip: str, width: int) -> str:
    scale, shift = graph.weight(noise(width, scale=1.0)), graph.weight(noise(width))
    return graph.add("SkipLayerNormalization", x, skip, scale, shift, domain=_CONTRIB)


def _residual(block: Residual, graph: ProbeGraph) -> None:
    x = graph.feed(noise(1, block.channels, block.positions))
    pair = _int8_pair if block.precision == "int8" else _float_pair
    for i in range(RESIDUAL_PAIRS):
        x = graph.add("Add", x, pair(block, graph, x, 2 * i + 1))
    graph.output(x)


def _float_pair(block: Residual, graph: ProbeGraph, x: str, dilation: int) -> str:
    """The first of the two convolutions is dilated: 1, 3, 5."""
    for step in (dilation, 1):
        x = graph.add("LeakyRelu", x, alpha=0.1)
        scale = (block.channels * block.taps) ** -0.5
        weight = graph.weight(noise(block.channels, block.channels, block.taps, scale=scale))
        bias, shape = graph.weight(noise(block.channels)), [block.taps]
        pads = [step * (block.taps // 2), step * ((block.taps - 1) // 2)]
        x = graph.add("Conv", x, weight, bias, pads=pads, kernel_shape=shape, dilations=[step])
    return x


def _int8_pair(block: Residual, graph: ProbeGraph, x: str, dilation: int) -> str:
    scale = (graph.weight(np.full((), 0.02, np.float32)), graph.weight(np.full((), 128, np.uint8)))
    x = graph.add("QuantizeLinear", graph.add("LeakyRelu", x, alpha=0.1), *scale)
    x = _channels_last(block, graph, graph.add("Transpose", x, perm=[0, 2, 1]), scale, dilation)
    x = graph.add("QLinearLeakyRelu", x, *scale, *scale, domain=_CONTRIB, alpha=0.1)
    x = graph.add("Transpose", _channels_last(block, graph, x, scale, 1), perm=[0, 2, 1])
    return graph.add("DequantizeLinear", x, *scale)


def _channels_last(block: Residual, graph: ProbeGraph, x: str, scale: tuple[str, str], dilation: int) -> str:
    channels, taps = block.channels, block.taps
    weight = int8_weight(graph, channels, channels, taps)
    w_scale = graph.weight(np.full(channels, unit_scale(channels * taps, 8), np.float32))
    w_zero = zero_point(graph, channels)
    inputs = (x, *scale, weight, w_scale, w_zero, *scale)
    pads = [dilation * (taps // 2), dilation * ((taps - 1) // 2)]
    layout: dict[str, Any] = {
        "pads": pads,
        "kernel_shape": [taps],
        "dilations": [dilation],
        "channels_last": 1,
    }
    return graph.add("QLinearConv", *inputs, domain=_CONTRIB, **layout)
