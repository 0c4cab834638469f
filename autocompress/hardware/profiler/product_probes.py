"""Chains of matrix products: with weights, of activations, and step after step."""

from typing import TYPE_CHECKING

import numpy as np

from autocompress.hardware.graph import SCALE_BY_COLUMN
from autocompress.hardware.profiler.int8_weights import dynamic_weight
from autocompress.hardware.profiler.probe_graph import (
    ProbeGraph,
    chain_length,
    noise,
    unit_scale,
    whole_numbers,
)

if TYPE_CHECKING:
    from autocompress.hardware.profiler.probes import Probe


_CACHED_LINKS = 12
NBITS = {"int4": 4, "int8_weights": 8}


def gemm(probe: "Probe", graph: ProbeGraph) -> None:
    """Pairs ``[m, k] → [m, n] → [m, k]``; both products of a pair have the same work and share the time."""
    width = {"fp32": 4.0, "int8": 1.0, "int8_weights": 1.0, "int4": 0.5}[probe.precision]
    pairs = chain_length(probe.footprint_bytes, 2 * probe.k * probe.n * width, least=1)
    link = {"fp32": _matmul, "int8": _dynamic_matmul}.get(probe.precision, _nbits_matmul)
    x = graph.feed(noise(probe.m, probe.k))
    for _ in range(pairs):
        x = link(probe, graph, x, probe.k, probe.n)
        x = link(probe, graph, x, probe.n, probe.k)
    graph.output(x)
    graph.links = 2 * pairs


def _matmul(_probe: "Probe", graph: ProbeGraph, x: str, k: int, n: int) -> str:
    return graph.add("MatMul", x, graph.weight(noise(k, n, scale=k**-0.5)))


def _dynamic_matmul(probe: "Probe", graph: ProbeGraph, x: str, k: int, n: int) -> str:
    quantized = dynamic_weight(graph, k, n, by_column=probe.taps == SCALE_BY_COLUMN)
    return graph.add("DynamicQuantizeMatMul", x, *quantized, domain="com.microsoft")


def _nbits_matmul(probe: "Probe", graph: ProbeGraph, x: str, k: int, n: int) -> str:
    bits, block = NBITS[probe.precision], probe.taps
    blocks = -(-k // block)
    weight = graph.weight(whole_numbers(n, blocks, block * bits // 8))
    scales = graph.weight(np.full((n, blocks), unit_scale(k, bits), np.float32))
    settings = {"K": k, "N": n, "bits": bits, "block_size": block, "accuracy_level": 4}
    return graph.add("MatMulNBits", x, weight, scales, domain="com.microsoft", **settings)


def bmm(probe: "Probe", graph: ProbeGraph) -> None:
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


def attention(probe: "Probe", graph: ProbeGraph) -> None:
    """One new position over a cache that it is written into: each link has a cache of its own."""
    x = graph.feed(noise(1, 1, probe.k))
    for _ in range(_CACHED_LINKS):
        x = cached_attention(graph, (x, x, x), (probe.batch, probe.n, probe.k // probe.batch))
    graph.output(x)
    graph.links = _CACHED_LINKS


def cached_attention(graph: ProbeGraph, new: tuple[str, str, str], cache: tuple[int, int, int]) -> str:
    """Query, key and value of one position, the last of a full cache: heads, keys, features a head."""
    heads, keys, _ = cache
    caches = [graph.feed(noise(1, *cache)) for _ in range(2)]
    ends = [graph.weight(np.full(shape, end, np.int32)) for shape, end in (((1,), keys - 1), ((), keys))]
    settings = {"num_heads": heads, "kv_num_heads": heads}
    out = graph.add(
        "GroupQueryAttention", *new, *caches, *ends, domain="com.microsoft", n_outputs=3, **settings
    )
    for i, past in enumerate(caches, start=1):
        graph.output_in_place(f"{out[:-1]}{i}", past)
    return out


def recurrent(probe: "Probe", graph: ProbeGraph) -> None:
    """A GRU over ``taps`` steps; ``n`` is three gates of its width."""
    hidden = probe.n // 3
    inner = probe.k - hidden
    x = graph.feed(noise(probe.m, 1, inner))
    for _ in range(2):
        weights = [graph.weight(noise(1, probe.n, size)) for size in (inner, hidden)]
        graph.output(graph.add("GRU", x, *weights, hidden_size=hidden))
    graph.links = 2
