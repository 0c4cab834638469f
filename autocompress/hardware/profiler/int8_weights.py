"""Weights of 8-bit products as a bundle's sessions hold them: unsigned where signed ones would overflow.

x86 without VNNI adds pairs of uint8 x int8 products in 16 bits. There, ONNX Runtime's precise mode gives
products and quantized convolutions uint8 weights while it optimises a graph; probes run as they are built, so
they are built so.
"""

from functools import cache
from typing import Any

import numpy as np

from autocompress.hardware.profiler.probe_graph import ProbeGraph, open_session, unit_scale, whole_numbers


@cache
def sums_overflow() -> bool:
    """Whether this machine gets the sum of the largest uint8 x int8 products wrong."""
    graph = ProbeGraph()
    rows = graph.feed(np.full((8, 64), 255, np.uint8))
    graph.output(graph.add("MatMulInteger", rows, graph.weight(np.full((64, 16), 127, np.int8))), "int32")
    (sums,) = open_session(graph, 1).run(None, graph.feeds)
    return bool((sums != 255 * 127 * 64).any())


def dynamic_weight(graph: ProbeGraph, k: int, n: int, *, by_column: bool) -> tuple[str, str, str]:
    """Weight [k, n], scale and zero point of ``DynamicQuantizeMatMul``: one scale, or one a column.

    Signed columns have no zero point, as exports write them.
    """
    scale = graph.weight(np.full(n if by_column else 1, unit_scale(k, 8), np.float32))
    zero = "" if by_column and not sums_overflow() else zero_point(graph, 1)
    return int8_weight(graph, k, n), scale, zero


def int8_weight(graph: ProbeGraph, *shape: int) -> str:
    """Random weights over the whole range of eight bits."""
    return graph.weight(whole_numbers(*shape, dtype=np.uint8 if sums_overflow() else np.int8))


def zero_point(graph: ProbeGraph, *shape: int) -> str:
    """Where the weights' range has its middle."""
    middle: Any = np.full(shape, 128, np.uint8) if sums_overflow() else np.zeros(shape, np.int8)
    return graph.weight(middle)
