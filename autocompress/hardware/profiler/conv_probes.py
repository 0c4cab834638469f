"""Chains of convolutions as vocoders, flows and judges of speech have them."""

from typing import TYPE_CHECKING

import numpy as np

from autocompress.hardware.profiler.int8_weights import int8_weight, zero_point
from autocompress.hardware.profiler.probe_graph import ProbeGraph, noise, scale_and_zero, whole_numbers

if TYPE_CHECKING:
    from autocompress.hardware.profiler.probes import Probe


_LANES = 8


_COLD_BYTES = 24e6  # weights of a whole vocoder: a layer's own are no longer in a near cache


def conv(probe: "Probe", graph: ProbeGraph) -> None:
    """One-dimensional convolutions ``c → n → c`` over ``m`` positions, as in a vocoder's residual blocks."""
    if probe.precision != "fp32":
        _conv_int8(probe, graph)
        return
    channels = probe.k // probe.taps
    if channels == 1:
        _framing(probe, graph)
        return
    pairs = _conv_pairs(probe)
    x = graph.feed(noise(probe.batch, channels, probe.m))
    for _ in range(pairs):
        x = _conv1d(probe, graph, x, channels, probe.n)
        x = _conv1d(probe, graph, x, probe.n, channels)
    graph.output(x)
    graph.links = 2 * pairs


def _framing(probe: "Probe", graph: ProbeGraph) -> None:
    """What cuts a signal into overlapping frames: side by side, for no network goes back to one channel."""
    stride = max(1, probe.taps // 2)
    copies = int(min(6, max(1, 4e8 // (2.0 * probe.batch * probe.m * probe.k * probe.n))))
    x = graph.feed(noise(probe.batch, 1, (probe.m - 1) * stride + probe.taps))
    for _ in range(copies):
        weight = graph.weight(noise(probe.n, 1, probe.taps))
        graph.output(graph.add("Conv", x, weight, strides=[stride], kernel_shape=[probe.taps]))
    graph.links = copies


def _conv_pairs(probe: "Probe") -> int:
    """Few links for heavy ones, but enough that large weights come from as far away as in a model."""
    work = 4.0 * probe.batch * probe.m * probe.k * probe.n
    pair_bytes = 2 * probe.k * probe.n * (1 if probe.precision.startswith("int8") else 4)
    far = _COLD_BYTES / pair_bytes if pair_bytes > _COLD_BYTES / 20 else 1
    return int(min(12, max(1, 4e8 // work, min(far, 2e10 // work))))


def _conv1d(probe: "Probe", graph: ProbeGraph, x: str, c_in: int, c_out: int) -> str:
    weight, bias = graph.weight(noise(c_out, c_in, probe.taps)), graph.weight(noise(c_out))
    return graph.add(
        "Conv", x, weight, bias, pads=[probe.taps // 2, (probe.taps - 1) // 2], kernel_shape=[probe.taps]
    )


def _conv_int8(probe: "Probe", graph: ProbeGraph) -> None:
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


def _qlinear_conv(probe: "Probe", graph: ProbeGraph, x: str, c_in: int, c_out: int) -> str:
    scale, zero = scale_and_zero(graph)
    weight = int8_weight(graph, c_out, c_in, probe.taps)
    w_scale, w_zero = graph.weight(np.full(c_out, 0.01, np.float32)), zero_point(graph, c_out)
    dilation = 3 if probe.family == "conv_dilated" else 1
    pads = [dilation * (probe.taps // 2), dilation * ((probe.taps - 1) // 2)]
    inputs = (x, scale, zero, weight, w_scale, w_zero, scale, zero)
    return graph.add("QLinearConv", *inputs, pads=pads, kernel_shape=[probe.taps], dilations=[dilation])


def _integer_conv(probe: "Probe", graph: ProbeGraph, x: str, c_in: int, c_out: int) -> str:
    """``DynamicQuantizeLinear → ConvInteger → Cast → Mul``, what dynamic quantization makes of it.

    Its sums do not overflow, and the precise mode leaves it as it is.
    """
    weight = graph.weight(whole_numbers(c_out, c_in, probe.taps, dtype=np.int8))
    quantized = graph.add("DynamicQuantizeLinear", x, n_outputs=3)
    scale, zero = quantized[:-1] + "1", quantized[:-1] + "2"
    pads = [probe.taps // 2, (probe.taps - 1) // 2]
    product = graph.add("ConvInteger", quantized, weight, zero, pads=pads, kernel_shape=[probe.taps])
    return graph.add("Mul", graph.add("Cast", product, to=1), scale)


def depthwise(probe: "Probe", graph: ProbeGraph) -> None:
    x = graph.feed(noise(1, probe.batch, probe.m))
    for _ in range(6):
        weight = graph.weight(noise(probe.batch, 1, probe.taps))
        pads = [probe.taps // 2, (probe.taps - 1) // 2]
        x = graph.add("Conv", x, weight, pads=pads, kernel_shape=[probe.taps], group=probe.batch)
    graph.output(x)
    graph.links = 6


def conv_transpose(probe: "Probe", graph: ProbeGraph) -> None:
    """Upsampling layers side by side: their outputs are larger than their inputs, so they form no chain."""
    c_out = probe.n // probe.taps
    copies = int(min(6, max(1, 4e8 // (2.0 * probe.m * probe.k * probe.n))))
    x = graph.feed(noise(1, probe.k, probe.m))
    for _ in range(copies):
        weight = graph.weight(noise(probe.k, c_out, probe.taps))
        stride = max(1, probe.taps // 2)
        graph.output(graph.add("ConvTranspose", x, weight, strides=[stride], kernel_shape=[probe.taps]))
    graph.links = copies


def conv_nchwc(probe: "Probe", graph: ProbeGraph) -> None:
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


def _conv2d(graph: ProbeGraph, x: str, c_in: int, c_out: int, taps: int) -> str:
    weight = graph.weight(noise(c_out, c_in, taps, taps))
    return graph.add("Conv", x, weight, pads=[taps // 2] * 4, kernel_shape=[taps, taps])


def pool(probe: "Probe", graph: ProbeGraph) -> None:
    side = int((probe.n / 16) ** 0.5)
    x = graph.feed(noise(1, 16, side, side))
    for _ in range(4):
        x = graph.add("MaxPool", x, kernel_shape=[2, 2], pads=[0, 0, 1, 1])
    graph.output(x)
    graph.links, graph.optimized = 4, True
