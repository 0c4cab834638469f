"""The roofline of one device: the priors, corrected by its calibration when it has one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autocompress.hardware.operators import Column, OperatorColumns, OperatorLike
from autocompress.hardware.prediction import Prediction
from autocompress.hardware.priors import PRIOR_EFFICIENCIES
from autocompress.hardware.profile import Calibration, HardwareProfile
from autocompress.hardware.roofline import Cost, Efficiencies, Machine, cost


@dataclass(frozen=True)
class Estimate:
    """Seconds of operators on a device without a measured table, and how far they can be trusted."""

    seconds: Column  # of each operator with its repetitions, [operators]
    kind: str  # "calibrated" or "estimated"
    log_sigma: float

    @property
    def total(self) -> Prediction:
        """The sum with its interval."""
        return Prediction.from_log_sigma(float(self.seconds.sum()), self.log_sigma, self.kind)


def estimate(
    operators: Sequence[OperatorLike],
    profile: HardwareProfile,
    n_threads: int | None = None,
    footprint_bytes: "float | Column" = math.inf,
) -> Estimate:
    """Cost operators by the device's roofline."""
    columns = OperatorColumns.of(operators)
    costs = estimate_costs(columns, profile, n_threads, footprint_bytes)
    kind, log_sigma = trust(profile)
    return Estimate(columns.count * costs.seconds, kind, log_sigma)


def estimate_costs(
    columns: OperatorColumns,
    profile: HardwareProfile,
    n_threads: int | None = None,
    footprint_bytes: "float | Column" = math.inf,
) -> Cost:
    """Seconds of one execution of each operator by what bounds it."""
    return cost(columns, Machine.of(profile, n_threads), efficiencies_of(profile), footprint_bytes)


def trust(profile: HardwareProfile) -> tuple[str, float]:
    """Kind and log-normal width of a prediction from this profile."""
    if profile.calibration is None:
        return "estimated", PRIOR_EFFICIENCIES.log_sigma
    return "calibrated", profile.calibration.log_sigma.value


def efficiencies_of(profile: HardwareProfile) -> Efficiencies:
    """The priors, or what is left of them after the device's own runs."""
    if profile.calibration is None:
        return PRIOR_EFFICIENCIES
    return _corrected(PRIOR_EFFICIENCIES, profile.calibration)


def _corrected(prior: Efficiencies, calibration: Calibration) -> Efficiencies:
    """Times multiplied by the factors: the rates divided by them."""
    compute, memory, dispatch = (
        f.value for f in (calibration.compute, calibration.memory, calibration.dispatch)
    )
    return replace(
        prior,
        kernels={key: replace(kernel, top=kernel.top / compute) for key, kernel in prior.kernels.items()},
        move_operations_per_cycle=prior.move_operations_per_cycle / compute,
        weight_bandwidth=prior.weight_bandwidth / memory,
        bandwidth=prior.bandwidth / memory,
        cache_bytes_per_cycle=prior.cache_bytes_per_cycle / memory,
        dispatch_cycles=prior.dispatch_cycles * dispatch,
        dispatch_cycles_per_thread=prior.dispatch_cycles_per_thread * dispatch,
    )
