"""Costs of ten thousand candidates at once: seconds of every layer and option, summed by choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autocompress.hardware.graph import Operator
from autocompress.hardware.latency import operator_costs
from autocompress.hardware.profile import HardwareProfile

Array = np.ndarray[Any, np.dtype[np.float64]]
Choices = np.ndarray[Any, np.dtype[np.int64]]

# Where a layer's weights come from depends on how large the whole model is: costs are kept at a few sizes.
_FOOTPRINTS = 1e6 * np.array([0.5, 5.0, 16.0, 28.0, 40.0, 55.0, 70.0, 85.0, 130.0, 500.0])  # as caches end


@dataclass(frozen=True)
class LayerCosts:
    """Seconds and weight bytes of each option of each layer.

    ``seconds`` is [n_footprints, n_layers, n_options] at the model sizes ``footprint_bytes``; options that a
    layer does not have are infinite. ``fixed_s`` and ``fixed_bytes`` belong to what no choice changes.
    """

    footprint_bytes: Array
    seconds: Array
    weight_bytes: Array
    fixed_s: float = 0.0
    fixed_bytes: float = 0.0

    def predict(self, choices: Choices) -> Array:
        """Median seconds of each candidate; ``choices`` is [n_candidates, n_layers] of option indices."""
        layers = np.arange(self.weight_bytes.shape[0])
        footprint = self.weight_bytes[layers, choices].sum(axis=1) + self.fixed_bytes
        totals = self.seconds[:, layers, choices].sum(axis=2)  # [n_footprints, n_candidates]
        return np.asarray(self.fixed_s + self._at(footprint, totals))

    def _at(self, footprint: Array, totals: Array) -> Array:
        """Interpolated between the model sizes, in the logarithm of the size."""
        grid = np.log(self.footprint_bytes)
        x = np.clip(np.log(np.maximum(footprint, 1.0)), grid[0], grid[-1])
        upper = np.clip(np.searchsorted(grid, x), 1, len(grid) - 1)
        share = (x - grid[upper - 1]) / (grid[upper] - grid[upper - 1])
        columns = np.arange(len(footprint))
        return np.asarray((1 - share) * totals[upper - 1, columns] + share * totals[upper, columns])


def layer_costs(
    layers: Sequence[Sequence[Sequence[Operator]]],
    profile: HardwareProfile,
    threads: int | None = None,
    *,
    fixed: Sequence[Operator] = (),
) -> LayerCosts:
    """Table of costs; ``layers[i][j]`` lists the operators of option ``j`` of layer ``i``.

    ``fixed`` are operators of every candidate (embedding, call, output layer). An empty option
    is a layer left out.
    """
    count = min(threads or profile.threads.default, profile.max_threads())
    n_options = max(len(options) for options in layers)
    seconds = np.full((len(_FOOTPRINTS), len(layers), n_options), np.inf)
    weights = np.zeros((len(layers), n_options))
    flat = [(i, j, op) for i, options in enumerate(layers) for j, ops in enumerate(options) for op in ops]
    for i, options in enumerate(layers):
        seconds[:, i, : len(options)] = 0.0
    rows, columns = [i for i, _, _ in flat], [j for _, j, _ in flat]
    operators = [op for _, _, op in flat]
    np.add.at(weights, (rows, columns), [op.weight_bytes for op in operators])
    fixed_bytes = float(sum(op.weight_bytes for op in fixed))
    for at, footprint in enumerate(_FOOTPRINTS):
        np.add.at(seconds[at], (rows, columns), operator_costs(operators, footprint, profile, count).seconds)
    fixed_s = float(operator_costs(fixed, fixed_bytes, profile, count).seconds.sum()) if fixed else 0.0
    return LayerCosts(_FOOTPRINTS, seconds, weights, fixed_s, fixed_bytes)
