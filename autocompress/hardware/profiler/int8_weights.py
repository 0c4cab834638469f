"""Weights of 8-bit products as a bundle's sessions hold them: unsigned where signed ones would overflow.

x86 without VNNI adds pairs of uint8 x int8 products in 16 bits. There, ONNX Runtime's precise mode gives
products and quantized convolutions uint8 weights while it optimises a graph; probes run as they are built, so
they are built so.
"""

from functools import cache
from typing import Any

import numpy as np

from autocompress.hardware.profiler.probe_graph import ProbeGraph, whole_numbers


@cache
def sums_overflow() -> bool:
    """Whether this machine gets the sum of the largest uint8 x int8 products wrong."""
    import onnxruntime

    graph = ProbeGraph()
    rows = graph.feed(np.full((8, 64), 255, np.uint8))
    graph.output(graph.add("MatMulInteger", rows, graph.weight(np.full((64, 16), 127, np.int8))), "int32")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(graph.to_bytes(), options, providers=["CPUExecutionProvider"])
    return bool((session.run(None, graph.feeds)[0] != 255 * 127 * 64).any())


def int8_weight(graph: ProbeGraph, *shape: int) -> str:
    """Random weights over the whole range of eight bits."""
    return graph.weight(whole_numbers(*shape, dtype=np.uint8 if sums_overflow() else np.int8))


def zero_point(graph: ProbeGraph, *shape: int) -> str:
    """Where the weights' range has its middle."""
    middle: Any = np.full(shape, 128, np.uint8) if sums_overflow() else np.zeros(shape, np.int8)
    return graph.weight(middle)
