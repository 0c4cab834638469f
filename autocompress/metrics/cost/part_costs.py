"""Seconds of parts on a device, each computed once: a candidate's latency is a sum over a dictionary."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autocompress.hardware.graph import Operator
from autocompress.hardware.latency import operator_costs
from autocompress.hardware.profile import HardwareProfile

Seconds = np.ndarray[Any, np.dtype[np.float64]]  # at each footprint

# Where weights come from (cache, memory) depends on how much a run touches: seconds are kept at a few sizes.
# Close to each other where weights stop fitting a cache: 16 to 90 MB on the machines that were measured.
FOOTPRINTS_BYTES = 1e6 * np.array(
    [1.0, 5.0, 11.0, 16.0, 22.0, 28.0, 34.0, 40.0, 55.0, 70.0, 85.0, 130.0, 400.0]
)


@dataclass(frozen=True)
class PartCosts:
    """``kind`` and ``log_sigma`` say how far the device's numbers can be trusted."""

    profile: HardwareProfile
    threads: int
    kind: str
    log_sigma: float
    _known: dict[Hashable, Seconds] = field(default_factory=dict, repr=False)

    @classmethod
    def on(cls, profile: HardwareProfile, threads: int | None = None) -> "PartCosts":
        count = min(threads or profile.threads.default, max(1, profile.max_threads()))
        probe = operator_costs((_PROBE,), 1e6, profile, count)
        return cls(profile, count, probe.kind, probe.log_sigma)

    def seconds(self, make: Callable[..., Sequence[Operator]], *shape: Hashable) -> Seconds:
        """Seconds at every footprint of the part whose operators ``make(*shape)`` lists."""
        key = (make.__name__, *shape)
        if key not in self._known:
            operators = make(*shape)
            rows, grid = len(operators), len(FOOTPRINTS_BYTES)
            footprints: Any = np.repeat(FOOTPRINTS_BYTES, rows)
            costs = operator_costs([*operators] * grid, footprints, self.profile, self.threads)
            self._known[key] = np.asarray(costs.seconds).reshape(grid, rows).sum(axis=1)
        return self._known[key]


def at_footprint(seconds: Seconds, footprint_bytes: float) -> float:
    """Interpolated in the logarithm of the footprint."""
    return float(np.interp(np.log(max(footprint_bytes, 1.0)), np.log(FOOTPRINTS_BYTES), seconds))


_PROBE = Operator("probe", "probe", "gemm", "fp32", 2.0, 8.0, 4.0, 4.0)
