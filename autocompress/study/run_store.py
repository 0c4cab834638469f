"""What a run folder's store holds of its own run."""

import uuid
from pathlib import Path

from autocompress.study.store import EvaluationStore
from autocompress.study.trial import Trial

STORE = "store.db"
_NAME = ".run"


def run_name(folder: Path) -> str:
    """Name of a run within its store: the one that it was given, or the end of the folder's own path."""
    path = folder / _NAME
    return path.read_text("utf-8") if path.is_file() else str(folder.resolve())[-64:]


def name_run(folder: Path) -> None:
    """Give a new run a name that no other has on any machine; it stays when the folder is moved."""
    if not (folder / _NAME).is_file() and not (folder / STORE).is_file():
        draft = folder / f"{_NAME}.draft"
        draft.write_text(f"{folder.resolve().name[:24]}-{uuid.uuid4().hex}", "utf-8")
        draft.replace(folder / _NAME)


def store_url(folder: Path) -> str:
    """The store of a run that was not given another one."""
    return f"sqlite:///{(folder / STORE).resolve()}"


def saved_trials(folder: Path, storage: str | None = None) -> list[Trial]:
    """Every saved trial of the run; none when it has no store.

    A folder that was moved since finds its trials again as long as its store holds one run only.
    """
    if storage is None and not (folder / STORE).is_file():
        return []
    store = EvaluationStore(storage or store_url(folder))
    try:
        runs, name = store.runs(), run_name(folder)
        if name not in runs and len(runs) == 1:
            name = runs[0]
        return store.trials(name)
    finally:
        store.close()
