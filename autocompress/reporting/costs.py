"""What each component of a candidate costs, kept beside the front as ``costs.json``."""

import json
from collections.abc import Iterable, Mapping

from autocompress.reporting.clips import TEACHER
from autocompress.space import Candidate
from autocompress.study import Study

COSTS = "costs.json"
_QUANTITIES = {"seconds": ("latency_s", 1.0), "bytes": ("size_mb", 1e-6)}


def save_costs(study: Study, candidates: Iterable[Candidate]) -> None:
    """Count the teacher and ``candidates`` at the free rung of ``study`` and write their shares."""
    named = {TEACHER: Candidate()} | {candidate.id: candidate for candidate in candidates}
    costs = {
        name: costs_from_details(study.evaluate(candidate, "free", study.settings.seed).details)
        for name, candidate in named.items()
    }
    draft = study.folder / f".{COSTS}.draft"
    draft.write_text(json.dumps(costs, indent=1), "utf-8")
    draft.replace(study.folder / COSTS)


def costs_from_details(details: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """``{"seconds.step": 0.4, "bytes.gpt": 8e6}`` → shares of ``latency_s`` and ``size_mb`` by component."""
    costs: dict[str, dict[str, float]] = {}
    for name, value in details.items():
        kind, _, component = name.partition(".")
        if component and kind in _QUANTITIES:
            quantity, scale = _QUANTITIES[kind]
            costs.setdefault(quantity, {})[component] = value * scale
    return costs
