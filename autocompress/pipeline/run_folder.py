"""A run folder as it lies on disk: its front, and the point that a pick names."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocompress.errors import InfeasibleError, RunError
from autocompress.space import Candidate
from autocompress.study.front_file import read_front, read_front_table

if TYPE_CHECKING:
    from autocompress.study.dashboard import OptunaStudy

__all__ = ["picked_candidate", "picked_trial", "read_front", "read_front_table", "write_run_as_optuna_study"]


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


def write_run_as_optuna_study(
    run: Path, document: Mapping[str, Any], storage: str | None = None
) -> "OptunaStudy":
    """Every trial of the run as an Optuna study beside the run's own tables, named after the folder."""
    from autocompress.study.dashboard import write_optuna_study
    from autocompress.study.run_store import saved_trials, store_url

    trials = saved_trials(run, storage)
    if not trials:
        raise RunError(
            f"no trials of {run} in {storage or run / 'store.db'}. Give the --storage that its search had."
        )
    objectives = [objective["key"] for objective in document["objectives"]]
    return write_optuna_study(trials, objectives, storage or store_url(run), run.resolve().name)
