"""A run folder as it lies on disk: its front, and the point that a pick names."""

from collections.abc import Mapping
from typing import Any

from autocompress.errors import InfeasibleError
from autocompress.space import Candidate


def picked_trial(document: Mapping[str, Any], pick: str) -> dict[str, Any]:
    """The trial of a saved front that ``pick`` names: best, knee, smallest, fastest, a number or an id."""
    trials: list[dict[str, Any]] = document["trials"]
    if not trials:
        raise InfeasibleError(_nothing_fits(document))
    number = str(document["picks"].get(pick, pick))
    for trial in trials:
        if number in (str(trial["number"]), trial["candidate"]["id"]):
            return trial
    known = ", ".join([*document["picks"], *(str(t["number"]) for t in trials)])
    raise InfeasibleError(f"no trial {pick!r} on the front. Give one of {known}.")


def picked_candidate(document: Mapping[str, Any], pick: str) -> Candidate:
    """Its decisions."""
    return Candidate.from_dict(picked_trial(document, pick)["candidate"])


def _nothing_fits(document: Mapping[str, Any]) -> str:
    """Why the front is empty, with the nearest point and what it misses."""
    bounds = ", ".join(_bound(c) for c in document["constraints"]) or "the limits"
    near = document.get("nearest")
    if near is None:
        return f"no candidate ran successfully under {bounds}."
    missed = [
        f"{key.partition(':')[0]} by {100 * excess:.1f} %"
        for key, excess in near["excess"].items()
        if excess > 0
    ]
    return (
        f"no candidate holds {bounds}. The nearest is trial {near['number']}: it misses {', '.join(missed)}. "
        "Relax what it misses, or lift a floor of the space (--override)."
    )


def _bound(constraint: Mapping[str, Any]) -> str:
    side = "max" if "max" in constraint else "min"
    return f"{constraint['key']} {'<=' if side == 'max' else '>='} {constraint[side]:g}"
