"""What a candidate is judged by: quantities, objectives, constraints, measurements, and fronts."""

from autocompress.objectives.constraints import Constraint, excess_by_key, holds, total_excess
from autocompress.objectives.measurement import Measurement, Source
from autocompress.objectives.pareto import (
    dominates,
    front_mask,
    hypervolume,
    knee_index,
    pareto_ranks,
)
from autocompress.objectives.quantities import (
    CONSTRAINT_KEYS,
    DEFAULT_OBJECTIVES,
    QUANTITIES,
    Objective,
    Quantity,
)

__all__ = [
    "CONSTRAINT_KEYS",
    "DEFAULT_OBJECTIVES",
    "QUANTITIES",
    "Constraint",
    "Measurement",
    "Objective",
    "Quantity",
    "Source",
    "dominates",
    "excess_by_key",
    "front_mask",
    "holds",
    "hypervolume",
    "knee_index",
    "pareto_ranks",
    "total_excess",
]
