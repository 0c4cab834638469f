"""Request × search space × device → what will be searched, whether it can be met, how long it takes."""

from autocompress.planner.plan import ModelChoice, Plan, SearchSettings, make_plan
from autocompress.planner.region import Extreme, FeasibleRegion, Relaxation, explore

__all__ = [
    "Extreme",
    "FeasibleRegion",
    "ModelChoice",
    "Plan",
    "Relaxation",
    "SearchSettings",
    "explore",
    "make_plan",
]
