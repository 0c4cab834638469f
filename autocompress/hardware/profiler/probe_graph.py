"""A graph under construction for a probe, and the random values that fill it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autocompress.hardware.profiler import onnx_bytes


@dataclass
class ProbeGraph:
    """A chain under construction; ``links`` counts the operators that share the measured time.

    Where the host's own work ``afterwards`` is what is measured, the chain runs before it and is not timed.
    """

    links: int = 0
    feeds: dict[str, Any] = field(default_factory=dict)
    in_place: dict[str, str] = field(default_factory=dict)  # outputs that are written where a feed lies
    touched_bytes: int = 0
    optimized: bool = False
    afterwards: Callable[[], object] | None = None
    _nodes: list[bytes] = field(default_factory=list)
    _weights: list[bytes] = field(default_factory=list)
    _outputs: list[bytes] = field(default_factory=list)
    _count: int = 0

    def feed(self, array: Any) -> str:
        """A graph input with the value that every run gets."""
        name = f"x{len(self.feeds)}"
        self.feeds[name] = array
        return name

    def weight(self, array: Any) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(onnx_bytes.tensor(name, array))
        self.touched_bytes += array.nbytes
        return name

    def add(self, op_type: str, *inputs: str, domain: str = "", n_outputs: int = 1, **attributes: Any) -> str:
        """A node; returns the name of its first output."""
        self._count += 1
        names = [f"y{self._count}_{i}" for i in range(n_outputs)]
        self._nodes.append(onnx_bytes.node(op_type, inputs, names, domain, **attributes))
        return names[0]

    def output(self, name: str, dtype: str = "float32") -> None:
        self._outputs.append(onnx_bytes.value_info(name, dtype, None))

    def output_in_place(self, name: str, feed: str) -> None:
        """An output that takes the place of a feed, as a cache does that a runtime keeps."""
        self.output(name)
        self.in_place[name] = feed

    def to_bytes(self) -> bytes:
        inputs = [onnx_bytes.value_info(name, a.dtype.name, a.shape) for name, a in self.feeds.items()]
        return onnx_bytes.model(self._nodes, inputs, self._outputs, self._weights)


def open_session(graph: ProbeGraph, threads: int) -> Any:
    """A session that runs the operators as they are; only layout probes let ONNX Runtime choose."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if graph.optimized else levels.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(graph.to_bytes(), options, providers=["CPUExecutionProvider"])


_RNG = np.random.default_rng(0)


def noise(*shape: int, scale: float = 0.05) -> Any:
    """Random weights; one block repeated, since drawing hundreds of megabytes costs more than measuring."""
    count = int(np.prod(shape))
    block = _RNG.standard_normal(min(count, 65536)).astype(np.float32) * np.float32(scale)
    return np.resize(block, count).reshape(shape)


def whole_numbers(*shape: int, dtype: Any = np.uint8) -> Any:
    """Random 8-bit numbers over their whole range."""
    info = np.iinfo(dtype)
    return np.resize(_RNG.integers(info.min, info.max, 65536, dtype=dtype, endpoint=True), shape)


def unit_scale(k: int, bits: int) -> float:
    """Scale of whole-number weights at which a long chain keeps values near one: denormals are slow."""
    return float(1.0 / (2 ** (bits - 1) / 3**0.5 * k**0.5))


def chain_length(footprint_bytes: float, link_bytes: float, least: int, most: int = 400) -> int:
    """Links that touch the footprint, within bounds."""
    return int(min(most, max(least, round(footprint_bytes / max(1.0, link_bytes)))))


def scale_and_zero(graph: ProbeGraph) -> tuple[str, str]:
    """Weights that hold the scale and zero point of 8-bit values."""
    return graph.weight(np.full((), 0.02, np.float32)), graph.weight(np.full((), 128, np.uint8))
