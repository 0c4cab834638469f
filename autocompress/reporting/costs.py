"""Shares of a candidate's cost, kept beside the front as ``costs.json``."""

from collections.abc import Mapping

COSTS = "costs.json"
_QUANTITIES = {"seconds": ("latency_s", 1.0), "bytes": ("size_mb", 1e-6)}


def costs_from_details(details: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """``{"seconds.step": 0.4, "bytes.gpt": 8e6}`` → shares of ``latency_s`` and ``size_mb`` by component."""
    costs: dict[str, dict[str, float]] = {}
    for name, value in details.items():
        kind, _, component = name.partition(".")
        if component and kind in _QUANTITIES:
            quantity, scale = _QUANTITIES[kind]
            costs.setdefault(quantity, {})[component] = value * scale
    return costs
