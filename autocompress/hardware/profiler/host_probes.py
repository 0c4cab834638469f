"""What the host does between two runs: it draws a token in NumPy, on caches that the model has used."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from autocompress.hardware.profiler import product_probes as products
from autocompress.hardware.profiler.probe_graph import ProbeGraph

if TYPE_CHECKING:
    from autocompress.hardware.profiler.probes import Probe

_HISTORY = 150  # tokens that are pushed down: those of the prompt and of half a sentence
_TOP_K, _PENALTY, _TEMPERATURE = 15, np.float32(1.35), np.float32(1.0)
_WIDTH = 512  # of the products that drive the host's data and code out of the near caches
Array = np.ndarray[Any, np.dtype[Any]]


def choose(probe: "Probe", graph: ProbeGraph) -> None:
    """Products that touch the footprint run before each draw and are not timed."""
    products.gemm(replace(probe, k=_WIDTH, n=_WIDTH), graph)
    graph.links, graph.afterwards = 1, Draw.of(probe.n)


@dataclass(frozen=True)
class Draw:
    """Draws one token from ``logits`` [V] after ``history`` [n], operation by operation as a bundle does.

    Bundles are a layer above; ``tests/bundle/test_sampling.py`` holds the two against each other.
    """

    logits: Array
    history: Array
    generator: np.random.Generator

    @classmethod
    def of(cls, vocabulary: int, seed: int = 0) -> "Draw":
        generator = np.random.default_rng(seed)
        logits = generator.standard_normal(vocabulary, np.float32)
        return cls(logits, generator.integers(vocabulary - 1, size=_HISTORY), generator)

    def __call__(self) -> int:
        out, seen = self.logits.copy(), self.logits[self.history]
        out[self.history] = np.where(seen < 0, seen * _PENALTY, seen / _PENALTY)
        kth = np.partition(out, -_TOP_K)[-_TOP_K]
        ids = np.flatnonzero(out >= kth)
        kept = out[ids] / _TEMPERATURE
        waits = self.generator.standard_exponential(len(out), np.float32)[ids]
        return int(ids[int(np.argmax(kept - np.log(np.maximum(waits, np.float32(1e-30)))))])
