"""Small graphs that measure one kind of operator in the conditions of a real model.

A probe is a chain of the operator with a weight of its own at each link, so that weights come from as far
away as they do in a model of that footprint, and an input that the link before has just written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autocompress.hardware.profiler.block_probes import build_block
from autocompress.hardware.profiler.probe_graph import ProbeGraph, noise, unit_scale, whole_numbers

NBITS = {"int4": 4, "int8_weights": 8}


@dataclass(frozen=True)
class Probe:
    """One point of the operator table: the coordinates of :class:`~autocompress.hardware.graph.Operator`.

    ``footprint_bytes`` is how much one run of the probe touches at least; the chain is made that long.
    """

    family: str
    precision: str = "fp32"
    batch: int = 1
    m: int = 1
    k: int = 1
    n: int = 1
    taps: int = 1
    footprint_bytes: int = 0

    @property
    def key(self) -> str:
        """Identity of the point in a resumable log."""
        shape = (self.batch, self.m, self.k, self.n, self.taps, self.footprint_bytes)
        return "/".join([self.family, self.precision, *map(str, shape)])


def build(probe: Probe) -> ProbeGraph:
    """The chain that measures a probe."""
    graph = ProbeGraph()
    builder: Callable[[Probe, ProbeGraph], None] = _BUILDERS[probe.family]
    builder(probe, graph)
    return graph


def _chain_length(footprint_bytes: float, link_bytes: float, least: int, most: int = 400) -> int:
    return int(min(most, max(least, round(footprint_bytes / max(1.0, link_bytes)))))


def _gemm(probe: Probe, graph: ProbeGraph) -> None:
    """Pairs ``[m, k] → [m, n] → [m, k]``; both products of a pair have the same work and share the time."""
    width = {"fp32": 4.0, "int8": 1.0, "int8_weights": 1.0, "int4": 0.5}[probe.precision]
    pairs = _chain_length(probe.footprint_bytes, 2 * probe.k * probe.n * width, least=1)
    link = {"fp32": _matmul, "int8": _dynamic_matmul}.get(probe.precision, _nbits_matmul)
    x = graph.feed(noise(probe.m, probe.k))
    for _ in range(pairs):
        x = link(probe, graph, x, probe.k, probe.n)
        x = link(probe, graph, x, probe.n, probe.k)
    graph.output(x)
    graph.links = 2 * pairs


def _matmul(_probe: Probe, graph: ProbeGraph, x: str, k: int, n: int) -> str:
    return graph.add("MatMul", x, graph.weight(noise(k, n, scale=k**-0.5)))


def _dynamic_matmul(_probe: Probe, graph: ProbeGraph, x: str, k: int, n: int) -> str:
    weight = graph.weight(whole_numbers(k, n, dtype=np.int8))
    scale, zero = graph.weight(np.full(1, unit_scale(k, 8), np.float32)), graph.weight(np.zeros(1, np.int8))
    return graph.add("DynamicQuantizeMatMul", x, weight, scale, zero, domain="com.microsoft")


def _nbits_matmul(probe: Probe, graph: ProbeGraph, x: str, k: int, n: int) -> str:
    bits, block = NBITS[probe.precision], probe.taps
    blocks = -(-k // block)
    weight = graph.weight(whole_numbers(n, blocks, block * bits // 8))
    scales = graph.weight(np.full((n, blocks), unit_scale(k, bits), np.float32))
    settings = {"K": k, "N": n, "bits": bits, "block_size": block, "accuracy_level": 4}
    return graph.add("MatMulNBits", x, weight, scales, domain="com.microsoft", **settings)


def _bmm(probe: Probe, graph: ProbeGraph) -> None:
    """Attention's two products over a few caches: ``[b, m, k] @ [b, k, n]``, then back."""
    x = graph.feed(noise(1, probe.batch, probe.m, probe.k))
    caches = [
        (
            graph.feed(noise(1, probe.batch, probe.k, probe.n)),
            graph.feed(noise(1, probe.batch, probe.n, probe.k)),
        )
        for _ in range(4)
    ]
    for i in range(12):
        left, right = caches[i % 4]
        x = graph.add("MatMul", graph.add("MatMul", x, left), right)
    graph.output(x)
    graph.links = 24


def _conv(probe: Probe, graph: ProbeGraph) -> None:
    """One-dimensional convolutions ``c → n → c`` over ``m`` positions, as in a vocoder's residual blocks."""
    channels = probe.k // probe.taps
    pairs = _conv_pairs(probe)
    x = graph.feed(noise(probe.batch, channels, probe.m))
    for _ in range(pairs):
        x = _conv1d(probe, graph, x, channels, probe.n)
        x = _conv1d(probe, graph, x, probe.n, channels)
    graph.output(x)
    graph.links = 2 * pairs


_COLD_BYTES = 24e6  # weights of a whole vocoder: a layer's own are no longer in a near cache


def _conv_pairs(probe: Probe) -> int:
    """Few links for heavy ones, but enough that large weights come from as far away as in a model."""
    work = 4.0 * probe.batch * probe.m * probe.k * probe.n
    pair_bytes = 2 * probe.k * probe.n * (1 if probe.precision.startswith("int8") else 4)
    far = _COLD_BYTES / pair_bytes if pair_bytes > _COLD_BYTES / 20 else 1
    return int(min(12, max(1, 4e8 // work, min(far, 2e10 // work))))


def _conv1d(probe: Probe, graph: ProbeGraph, x: str, c_in: int, c_out: int) -> str:
    weight, bias = graph.weight(noise(c_out, c_in, probe.taps)), graph.weight(noise(c_out))
    return graph.add(
        "Conv", x, weight, bias, pads=[probe.taps // 2, (probe.taps - 1) // 2], kernel_shape=[probe.taps]
    )


def _conv_int8(probe: Probe, graph: ProbeGraph) -> None:
    channels = probe.k // probe.taps
    pairs = _conv_pairs(probe)
    link = _integer_conv if probe.precision == "int8_dynamic" else _qlinear_conv
    dtype = "float32" if probe.precision == "int8_dynamic" else "uint8"
    x = graph.feed(whole_numbers(1, channels, probe.m) if dtype == "uint8" else noise(1, channels, probe.m))
    for _ in range(pairs):
        x = link(probe, graph, x, channels, probe.n)
        x = link(probe, graph, x, probe.n, channels)
    graph.output(x, dtype)
    graph.links, graph.optimized = 2 * pairs, dtype == "uint8"  # ONNX Runtime moves QLinearConv to NHWC


def _qlinear_conv(probe: Probe, graph: ProbeGraph, x: str, c_in: int, c_out: int) -> str:
    scale, zero = _scale_and_zero(graph)
    weight = graph.weight(whole_numbers(c_out, c_in, probe.taps, dtype=np.int8))
    w_scale, w_zero = graph.weight(np.full(c_out, 0.01, np.float32)), graph.weight(np.zeros(c_out, np.int8))
    pads = [probe.taps // 2, (probe.taps - 1) // 2]
    inputs = (x, scale, zero, weight, w_scale, w_zero, scale, zero)
    return graph.add("QLinearConv", *inputs, pads=pads, kernel_shape=[probe.taps])


def _integer_conv(probe: Probe, graph: ProbeGraph, x: str, c_in: int, c_out: int) -> str:
    """``DynamicQuantizeLinear → ConvInteger → Cast → Mul``, what dynamic quantization makes of it."""
    weight = graph.weight(whole_numbers(c_out, c_in, probe.taps, dtype=np.int8))
    quantized = graph.add("DynamicQuantizeLinear", x, n_outputs=3)
    scale, zero = quantized[:-1] + "1", quantized[:-1] + "2"
    pads = [probe.taps // 2, (probe.taps - 1) // 2]
    product = graph.add("ConvInteger", quantized, weight, zero, pads=pads, kernel_shape=[probe.taps])
    return graph.add("Mul", graph.add("Cast", product, to=1), scale)


def _depthwise(probe: Probe, graph: ProbeGraph) -> None:
    x = graph.feed(noise(1, probe.batch, probe.m))
    for _ in range(6):
        weight = graph.weight(noise(probe.batch, 1, probe.taps))
        pads = [probe.taps // 2, (probe.taps - 1) // 2]
        x = graph.add("Conv", x, weight, pads=pads, kernel_shape=[probe.taps], group=probe.batch)
    graph.output(x)
    graph.links = 6


def _conv_transpose(probe: Probe, graph: ProbeGraph) -> None:
    """Upsampling layers side by side: their outputs are larger than their inputs, so they form no chain."""
    c_out = probe.n // probe.taps
    copies = int(min(6, max(1, 4e8 // (2.0 * probe.m * probe.k * probe.n))))
    x = graph.feed(noise(1, probe.k, probe.m))
    for _ in range(copies):
        weight = graph.weight(noise(probe.k, c_out, probe.taps))
        stride = max(1, probe.taps // 2)
        graph.output(graph.add("ConvTranspose", x, weight, strides=[stride], kernel_shape=[probe.taps]))
    graph.links = copies


def _conv_nchwc(probe: Probe, graph: ProbeGraph) -> None:
    """Two-dimensional convolutions over a square image; ONNX Runtime chooses the layout."""
    channels, side = probe.k // probe.taps, int(probe.m**0.5)
    taps = int(probe.taps**0.5)
    work = 4.0 * probe.m * probe.k * probe.n
    pairs = int(min(8, max(2, 4e8 // work)))
    x = graph.feed(noise(1, channels, side, side))
    graph.optimized = True
    if channels < _LANES:  # the first layer of a network: no way back to so few channels
        graph.output(_conv2d(graph, x, channels, probe.n, taps))
        graph.links = 1
        return
    for _ in range(pairs):
        x = _conv2d(graph, _conv2d(graph, x, channels, probe.n, taps), probe.n, channels, taps)
    graph.output(x)
    graph.links = 2 * pairs


_LANES = 8


def _conv2d(graph: ProbeGraph, x: str, c_in: int, c_out: int, taps: int) -> str:
    weight = graph.weight(noise(c_out, c_in, taps, taps))
    return graph.add("Conv", x, weight, pads=[taps // 2] * 4, kernel_shape=[taps, taps])


def _recurrent(probe: Probe, graph: ProbeGraph) -> None:
    """A GRU over ``taps`` steps; ``n`` is three gates of its width."""
    hidden = probe.n // 3
    inner = probe.k - hidden
    x = graph.feed(noise(probe.m, 1, inner))
    for _ in range(2):
        weights = [graph.weight(noise(1, probe.n, size)) for size in (inner, hidden)]
        graph.output(graph.add("GRU", x, *weights, hidden_size=hidden))
    graph.links = 2


def _unary(*op_types: str, **attributes: Any) -> Callable[[Probe, ProbeGraph], None]:
    def builder(probe: Probe, graph: ProbeGraph) -> None:
        x = graph.feed(noise(1, probe.m * probe.n))
        for i in range(_ELEMENT_LINKS):
            x = graph.add(op_types[i % len(op_types)], x, **attributes)
        graph.output(x)
        graph.links = _ELEMENT_LINKS

    return builder


_ELEMENT_LINKS = 12


def _binary(probe: Probe, graph: ProbeGraph) -> None:
    """The second value is another one each time: in a model it was written a while ago."""
    x = graph.feed(noise(1, probe.n))
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("Add", x, graph.feed(noise(1, probe.n)))
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def _norm(probe: Probe, graph: ProbeGraph) -> None:
    x = graph.feed(noise(probe.m, probe.n))
    for _ in range(_ELEMENT_LINKS):
        scale, shift = graph.weight(noise(probe.n)), graph.weight(noise(probe.n))
        x = graph.add("LayerNormalization", x, scale, shift, axis=-1)
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def _skip_norm(probe: Probe, graph: ProbeGraph) -> None:
    """Residual sum and normalisation in one: its kernel is far slower than the plain one."""
    x, skip = graph.feed(noise(1, probe.m, probe.n)), graph.feed(noise(1, probe.m, probe.n))
    for _ in range(_ELEMENT_LINKS):
        scale, shift = graph.weight(noise(probe.n)), graph.weight(noise(probe.n))
        x = graph.add("SkipLayerNormalization", x, skip, scale, shift, domain="com.microsoft")
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def _softmax(probe: Probe, graph: ProbeGraph) -> None:
    x = graph.feed(noise(probe.m, probe.n))
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("Softmax", x, axis=-1)
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def _copy(probe: Probe, graph: ProbeGraph) -> None:
    """A cache that grows by one row and is cut again: ``Concat`` and ``Slice`` share the time."""
    x, row = graph.feed(noise(1, 8, probe.n // 8)), graph.feed(noise(1, 8, 1))
    start, end = graph.weight(np.array([1], np.int64)), graph.weight(np.array([1 << 40], np.int64))
    axis = graph.weight(np.array([2], np.int64))
    for _ in range(_ELEMENT_LINKS // 2):
        x = graph.add("Slice", graph.add("Concat", x, row, axis=2), start, end, axis)
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def _cache(probe: Probe, graph: ProbeGraph) -> None:
    """Key-value caches from outside, grown by a row and handed back: cold memory both ways.

    The time of a link includes its share of entering the runtime; the fit takes that off.
    """
    width = 64
    copies = _chain_length(probe.footprint_bytes, 8 * probe.n, least=1, most=96)
    for _ in range(copies):
        past = graph.feed(noise(1, max(1, probe.n // width - 1), width))
        graph.output(graph.add("Concat", past, graph.feed(noise(1, 1, width)), axis=1))
    graph.links = copies


def _transpose(probe: Probe, graph: ProbeGraph) -> None:
    width = 32
    x = graph.feed(noise(1, max(1, probe.n // (8 * width)), 8, width))
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("Transpose", x, perm=[0, 2, 1, 3])
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def _transpose_last(probe: Probe, graph: ProbeGraph) -> None:
    """Channels first to channels last and back."""
    shape = (1, 64, max(1, probe.n // 64))
    x = graph.feed(whole_numbers(*shape) if probe.precision == "int8" else noise(*shape))
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("Transpose", x, perm=[0, 2, 1])
    graph.output(x, "uint8" if probe.precision == "int8" else "float32")
    graph.links = _ELEMENT_LINKS


def _reduce(probe: Probe, graph: ProbeGraph) -> None:
    x = graph.feed(noise(probe.m, probe.n))
    for _ in range(_ELEMENT_LINKS):
        graph.output(graph.add("ReduceMean", x, axes=[1]))
    graph.links = _ELEMENT_LINKS


def _quantize(probe: Probe, graph: ProbeGraph) -> None:
    x, (scale, zero) = graph.feed(noise(1, probe.n)), _scale_and_zero(graph)
    for _ in range(_ELEMENT_LINKS // 2):
        x = graph.add("DequantizeLinear", graph.add("QuantizeLinear", x, scale, zero), scale, zero)
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def _quantize_dynamic(probe: Probe, graph: ProbeGraph) -> None:
    x = graph.feed(noise(1, probe.n))
    for _ in range(_ELEMENT_LINKS):
        graph.output(graph.add("DynamicQuantizeLinear", x, n_outputs=3), "uint8")
    graph.links = _ELEMENT_LINKS


def _scale_and_zero(graph: ProbeGraph) -> tuple[str, str]:
    return graph.weight(np.full((), 0.02, np.float32)), graph.weight(np.full((), 128, np.uint8))


def _lookup(probe: Probe, graph: ProbeGraph) -> None:
    """A unary operator on 8-bit values is a table of 256 entries, whatever it computes."""
    x, scale = graph.feed(whole_numbers(1, probe.n)), _scale_and_zero(graph)
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("QLinearLeakyRelu", x, *scale, *scale, domain="com.microsoft", alpha=0.1)
    graph.output(x, "uint8")
    graph.links = _ELEMENT_LINKS


def _qlinear(probe: Probe, graph: ProbeGraph) -> None:
    x, other, scale = (
        graph.feed(whole_numbers(1, probe.n)),
        graph.feed(whole_numbers(1, probe.n)),
        _scale_and_zero(graph),
    )
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("QLinearAdd", x, *scale, other, *scale, *scale, domain="com.microsoft")
    graph.output(x, "uint8")
    graph.links = _ELEMENT_LINKS


def _view(probe: Probe, graph: ProbeGraph) -> None:
    """Dispatch alone: operators that touch no data."""
    x = graph.feed(noise(1, 64))
    axes = graph.weight(np.array([0], np.int64))
    for _ in range(_ELEMENT_LINKS * 4):
        x = graph.add("Squeeze", graph.add("Unsqueeze", x, axes), axes)
    graph.output(x)
    graph.links = _ELEMENT_LINKS * 8


def _call(probe: Probe, graph: ProbeGraph) -> None:
    """One ``run`` with ``m`` inputs and as many outputs of ``n`` values: what entering the runtime costs."""
    for _ in range(probe.m):
        graph.output(graph.add("Identity", graph.feed(noise(1, probe.n))))
    graph.links = 1


def _pool(probe: Probe, graph: ProbeGraph) -> None:
    side = int((probe.n / 16) ** 0.5)
    x = graph.feed(noise(1, 16, side, side))
    for _ in range(4):
        x = graph.add("MaxPool", x, kernel_shape=[2, 2], pads=[0, 0, 1, 1])
    graph.output(x)
    graph.links, graph.optimized = 4, True


_BUILDERS: dict[str, Callable[[Probe, ProbeGraph], None]] = {
    "gemm": _gemm,
    "bmm": _bmm,
    "conv": lambda probe, graph: (_conv if probe.precision == "fp32" else _conv_int8)(probe, graph),
    "depthwise": _depthwise,
    "conv_transpose": _conv_transpose,
    "conv_nchwc": _conv_nchwc,
    "recurrent": _recurrent,
    "elementwise": _unary("LeakyRelu", alpha=0.1),
    "transcendental": _unary("Tanh", "Sigmoid"),
    "binary": _binary,
    "norm": _norm,
    "skip_norm": _skip_norm,
    "cache": _cache,
    "softmax": _softmax,
    "copy": _copy,
    "transpose": _transpose,
    "transpose_last": _transpose_last,
    "reduce": _reduce,
    "quantize": _quantize,
    "quantize_dynamic": _quantize_dynamic,
    "lookup": _lookup,
    "qlinear": _qlinear,
    "view": _view,
    "pool_nchwc": _pool,
    "call": _call,
    "block_transformer": build_block,
    "block_residual": build_block,
}
