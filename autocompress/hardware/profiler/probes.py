"""Small graphs that measure one kind of operator in the conditions of a real model.

A probe is a chain of the operator with a weight of its own at each link, so that weights come from as far
away as they do in a model of that footprint, and an input that the link before has just written.
"""

from collections.abc import Callable
from dataclasses import dataclass

from autocompress.hardware.profiler import conv_probes as convolutions
from autocompress.hardware.profiler import element_probes as elements
from autocompress.hardware.profiler import host_probes as host
from autocompress.hardware.profiler import product_probes as products
from autocompress.hardware.profiler.block_probes import build_block
from autocompress.hardware.profiler.probe_graph import ProbeGraph


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


_BUILDERS: dict[str, Callable[[Probe, ProbeGraph], None]] = {
    "gemm": products.gemm,
    "bmm": products.bmm,
    "attention": products.attention,
    "conv": convolutions.conv,
    "conv_point": convolutions.conv,
    "conv_dilated": convolutions.conv,
    "depthwise": convolutions.depthwise,
    "conv_transpose": convolutions.conv_transpose,
    "conv_nchwc": convolutions.conv_nchwc,
    "recurrent": products.recurrent,
    "elementwise": elements.unary("LeakyRelu", alpha=0.1),
    "transcendental": elements.unary("Tanh", "Sigmoid"),
    "binary": elements.binary,
    "norm": elements.norm,
    "skip_norm": elements.skip_norm,
    "cache": elements.cache,
    "softmax": elements.softmax,
    "copy": elements.copy,
    "transpose": elements.transpose,
    "transpose_last": elements.transpose_last,
    "reduce": elements.reduce,
    "quantize": elements.quantize,
    "quantize_dynamic": elements.quantize_dynamic,
    "lookup": elements.lookup,
    "qlinear": elements.qlinear,
    "view": elements.view,
    "pool_nchwc": convolutions.pool,
    "call": elements.call,
    "choose": host.choose,
    "block_transformer": build_block,
    "block_step": build_block,
    "block_residual": build_block,
}
