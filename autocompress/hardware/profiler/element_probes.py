"""Chains of the small operators between products: each reads and writes every value once or twice."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from autocompress.hardware.profiler.probe_graph import (
    ProbeGraph,
    chain_length,
    noise,
    scale_and_zero,
    whole_numbers,
)

if TYPE_CHECKING:
    from autocompress.hardware.profiler.probes import Probe


_ELEMENT_LINKS = 12


def unary(*op_types: str, **attributes: Any) -> Callable[["Probe", ProbeGraph], None]:
    def builder(probe: "Probe", graph: ProbeGraph) -> None:
        x = graph.feed(noise(1, probe.m * probe.n))
        for i in range(_ELEMENT_LINKS):
            x = graph.add(op_types[i % len(op_types)], x, **attributes)
        graph.output(x)
        graph.links = _ELEMENT_LINKS

    return builder


def binary(probe: "Probe", graph: ProbeGraph) -> None:
    """The second value is another one each time: in a model it was written a while ago."""
    x = graph.feed(noise(1, probe.n))
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("Add", x, graph.feed(noise(1, probe.n)))
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def norm(probe: "Probe", graph: ProbeGraph) -> None:
    x = graph.feed(noise(probe.m, probe.n))
    for _ in range(_ELEMENT_LINKS):
        scale, shift = graph.weight(noise(probe.n)), graph.weight(noise(probe.n))
        x = graph.add("LayerNormalization", x, scale, shift, axis=-1)
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def skip_norm(probe: "Probe", graph: ProbeGraph) -> None:
    """Residual sum and normalisation in one: its kernel is far slower than the plain one."""
    x, skip = graph.feed(noise(1, probe.m, probe.n)), graph.feed(noise(1, probe.m, probe.n))
    for _ in range(_ELEMENT_LINKS):
        scale, shift = graph.weight(noise(probe.n)), graph.weight(noise(probe.n))
        x = graph.add("SkipLayerNormalization", x, skip, scale, shift, domain="com.microsoft")
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def softmax(probe: "Probe", graph: ProbeGraph) -> None:
    x = graph.feed(noise(probe.m, probe.n))
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("Softmax", x, axis=-1)
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def copy(probe: "Probe", graph: ProbeGraph) -> None:
    """A cache that grows by one row and is cut again: ``Concat`` and ``Slice`` share the time."""
    x, row = graph.feed(noise(1, 8, probe.n // 8)), graph.feed(noise(1, 8, 1))
    start, end = graph.weight(np.array([1], np.int64)), graph.weight(np.array([1 << 40], np.int64))
    axis = graph.weight(np.array([2], np.int64))
    for _ in range(_ELEMENT_LINKS // 2):
        x = graph.add("Slice", graph.add("Concat", x, row, axis=2), start, end, axis)
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def cache(probe: "Probe", graph: ProbeGraph) -> None:
    """Key-value caches from outside, grown by a row and handed back: cold memory both ways.

    The time of a link includes its share of entering the runtime; the fit takes that off.
    """
    width = 64
    copies = chain_length(probe.footprint_bytes, 8 * probe.n, least=1, most=96)
    for _ in range(copies):
        past = graph.feed(noise(1, max(1, probe.n // width - 1), width))
        graph.output(graph.add("Concat", past, graph.feed(noise(1, 1, width)), axis=1))
    graph.links = copies


def transpose(probe: "Probe", graph: ProbeGraph) -> None:
    width = 32
    x = graph.feed(noise(1, max(1, probe.n // (8 * width)), 8, width))
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("Transpose", x, perm=[0, 2, 1, 3])
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def transpose_last(probe: "Probe", graph: ProbeGraph) -> None:
    """Channels first to channels last and back."""
    shape = (1, 64, max(1, probe.n // 64))
    x = graph.feed(whole_numbers(*shape) if probe.precision == "int8" else noise(*shape))
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("Transpose", x, perm=[0, 2, 1])
    graph.output(x, "uint8" if probe.precision == "int8" else "float32")
    graph.links = _ELEMENT_LINKS


def reduce(probe: "Probe", graph: ProbeGraph) -> None:
    x = graph.feed(noise(probe.m, probe.n))
    for _ in range(_ELEMENT_LINKS):
        graph.output(graph.add("ReduceMean", x, axes=[1]))
    graph.links = _ELEMENT_LINKS


def quantize(probe: "Probe", graph: ProbeGraph) -> None:
    x, (scale, zero) = graph.feed(noise(1, probe.n)), scale_and_zero(graph)
    for _ in range(_ELEMENT_LINKS // 2):
        x = graph.add("DequantizeLinear", graph.add("QuantizeLinear", x, scale, zero), scale, zero)
    graph.output(x)
    graph.links = _ELEMENT_LINKS


def quantize_dynamic(probe: "Probe", graph: ProbeGraph) -> None:
    x = graph.feed(noise(1, probe.n))
    for _ in range(_ELEMENT_LINKS):
        graph.output(graph.add("DynamicQuantizeLinear", x, n_outputs=3), "uint8")
    graph.links = _ELEMENT_LINKS


def lookup(probe: "Probe", graph: ProbeGraph) -> None:
    """A unary operator on 8-bit values is a table of 256 entries, whatever it computes."""
    x, scale = graph.feed(whole_numbers(1, probe.n)), scale_and_zero(graph)
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("QLinearLeakyRelu", x, *scale, *scale, domain="com.microsoft", alpha=0.1)
    graph.output(x, "uint8")
    graph.links = _ELEMENT_LINKS


def qlinear(probe: "Probe", graph: ProbeGraph) -> None:
    x, other, scale = (
        graph.feed(whole_numbers(1, probe.n)),
        graph.feed(whole_numbers(1, probe.n)),
        scale_and_zero(graph),
    )
    for _ in range(_ELEMENT_LINKS):
        x = graph.add("QLinearAdd", x, *scale, other, *scale, *scale, domain="com.microsoft")
    graph.output(x, "uint8")
    graph.links = _ELEMENT_LINKS


def view(probe: "Probe", graph: ProbeGraph) -> None:
    """Dispatch alone: operators that touch no data."""
    x = graph.feed(noise(1, 64))
    axes = graph.weight(np.array([0], np.int64))
    for _ in range(_ELEMENT_LINKS * 4):
        x = graph.add("Squeeze", graph.add("Unsqueeze", x, axes), axes)
    graph.output(x)
    graph.links = _ELEMENT_LINKS * 8


def call(probe: "Probe", graph: ProbeGraph) -> None:
    """One ``run`` with ``m`` inputs and as many outputs of ``n`` values: what entering the runtime costs."""
    for _ in range(probe.m):
        graph.output(graph.add("Identity", graph.feed(noise(1, probe.n))))
    graph.links = 1
