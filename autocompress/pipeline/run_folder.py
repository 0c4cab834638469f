"""A run folder as it lies on disk: its front, and the point that a pick names."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocompress.errors import InfeasibleError, RunError
from autocompress.objectives import Constraint
from autocompress.objectives.quantities import Direction
from autocompress.pipeline.saved_plan import PLAN_FILE
from autocompress.space import Candidate
from autocompress.study import Trial
from autocompress.study.front_file import read_front, read_front_table, read_object
from autocompress.study.relaxations import relaxations
from autocompress.study.run_store import saved_trials, store_url

if TYPE_CHECKING:
    from autocompress.study.dashboard import OptunaStudy

__all__ = [
    "picked_candidate",
    "picked_trial",
    "read_front",
    "read_front_table",
    "require_points",
    "write_run_as_optuna_study",
]


def picked_trial(document: Mapping[str, Any], pick: str, run: Path | None = None) -> dict[str, Any]:
    """The trial of a saved front that ``pick`` names: best, knee, smallest, fastest, a number or an id.

    An InfeasibleError when the front is empty; with ``run`` it says what each relaxation would buy.
    """
    require_points(document, run)
    trials: list[dict[str, Any]] = document["trials"]
    number = str(document["picks"].get(pick, pick))
    for trial in trials:
        if number in (str(trial["number"]), trial["candidate"]["id"]):
            return trial
    known = ", ".join([*document["picks"], *(str(t["number"]) for t in trials)])
    raise RunError(f"no trial {pick!r} on the front. Give one of {known}.")


def picked_candidate(document: Mapping[str, Any], pick: str, run: Path | None = None) -> Candidate:
    """Its decisions."""
    return Candidate.from_dict(picked_trial(document, pick, run)["candidate"])


def require_points(document: Mapping[str, Any], run: Path | None = None) -> None:
    """An InfeasibleError when nothing holds the limits: the nearest point, and each relaxation's price."""
    if document["trials"]:
        return
    limits, near = [_constraint(row) for row in document["constraints"]], document["nearest"]
    bounds = ", ".join(map(str, limits)) or "the limits"
    if near is None:
        raise InfeasibleError(f"no candidate ran successfully under {bounds}.")
    prices = relaxations(_trials(run), limits) if run is not None else ()
    lines = [
        f"no candidate holds {bounds}. The nearest is trial {near['number']}: it misses {_missed(near)}.",
        *(f"  {price}" for price in prices),
        "Relax what is missed, or lift a floor of the space (--override)."
        + ("" if run is None else f" All of it: autocompress report {run}"),
    ]
    details = {"nearest": near, "relaxations": [asdict(price) for price in prices]}
    raise InfeasibleError("\n".join(lines), details)


def _missed(near: Mapping[str, Any]) -> str:
    excess = {key.partition(":")[0]: value for key, value in near["excess"].items() if value > 0}
    return ", ".join(f"{key} by {100 * value:.1f} %" for key, value in excess.items()) or "none that it has"


def _constraint(row: Mapping[str, Any]) -> Constraint:
    side: Direction = "max" if "max" in row else "min"
    return Constraint(row["key"], side, row[side], row["confidence"])


def _trials(run: Path) -> list[Trial]:
    """The run's trials, wherever its search was told to keep them; none when that cannot be read."""
    try:
        storage = read_object(run / PLAN_FILE)["settings"]["storage"]
        return saved_trials(run, storage)
    except (RunError, KeyError, TypeError):
        return []


def write_run_as_optuna_study(
    run: Path, document: Mapping[str, Any], storage: str | None = None
) -> "OptunaStudy":
    """Every trial of the run as an Optuna study beside the run's own tables, named after the folder."""
    from autocompress.study.dashboard import write_optuna_study

    trials = saved_trials(run, storage)
    if not trials:
        raise RunError(
            f"no trials of {run} in {storage or run / 'store.db'}. Give the --storage that its search had."
        )
    objectives = [objective["key"] for objective in document["objectives"]]
    return write_optuna_study(trials, objectives, storage or store_url(run), run.resolve().name)
