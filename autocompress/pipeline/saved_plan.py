"""``plan.json`` of a run folder: found from anything inside of it, and what it says."""

from pathlib import Path
from typing import Any

from autocompress.errors import RunError
from autocompress.planner import ModelChoice, Plan
from autocompress.study.front_file import read_object

PLAN_FILE = "plan.json"


def run_above(folder: Path) -> Path | None:
    """The run that ``folder`` is or lies in; None where there is none."""
    places = (folder, *folder.absolute().parents)
    return next((place for place in places if (place / PLAN_FILE).is_file()), None)


def find_plan(folder: Path) -> dict[str, Any]:
    """The plan.json of the run that ``folder`` is or lies in."""
    run = run_above(folder)
    if run is not None:
        return read_object(run / PLAN_FILE)
    raise RunError(
        f"{folder} lies in no run folder (there is no {PLAN_FILE} above it). "
        "Give the teacher and the device, or the folder of a search."
    )


def saved_model(document: dict[str, Any]) -> ModelChoice:
    """The teacher that a saved plan names."""
    try:
        return ModelChoice(**({"name": None} | document["model_files"]))
    except (KeyError, TypeError) as error:
        raise RunError(
            f"{PLAN_FILE} is damaged: it names no model ({error}). Run the same search again."
        ) from error


def refuse_another(planned: Plan, folder: Path) -> None:
    """A RunError when the folder holds the run of another request, model or space."""
    if not (folder / PLAN_FILE).is_file():
        return
    known, asked = read_object(folder / PLAN_FILE), planned.to_dict()
    other = [key for key in ("request", "model_files", "space") if known.get(key) != asked[key]]
    if other:
        lines = "\n".join(f"  - {key}: was {known.get(key)!r}, now {asked[key]!r}" for key in other)
        raise RunError(
            f"run folder {folder} belongs to another search:\n{lines}\n"
            "Give another --out (what is measured is shared through --storage), or ask the same again."
        )
