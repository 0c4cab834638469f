"""``front.json`` and ``front.csv`` of a run folder, read with every way in which they can be wrong."""

import json
from pathlib import Path
from typing import Any

from autocompress.errors import RunError
from autocompress.study.front import SCHEMA_VERSION

_PARTS = {
    "objectives": list,
    "constraints": list,
    "reference": list,
    "hypervolume_history": list,
    "teacher": dict,
    "picks": dict,
    "trials": list,
    "provenance": dict,
}


def read_front(run: Path) -> dict[str, Any]:
    """The front that a search saved in the folder ``run``; a RunError says what is wrong with it."""
    path = run / "front.json"
    document = read_object(path)
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise RunError(
            f"{path} has schema version {version!r}; this version of autocompress reads {SCHEMA_VERSION}. "
            "Search again with this version (measured evaluations are kept in the store), or read it with "
            "the version that wrote it."
        )
    wrong = [name for name, kind in _PARTS.items() if not isinstance(document.get(name), kind)]
    if wrong:
        raise RunError(f"{path} is damaged: {', '.join(wrong)} missing or of the wrong kind. {_AGAIN}")
    rows = [*document["trials"], *([document["nearest"]] if document.get("nearest") else [])]
    if not all(_is_trial(row) for row in rows):
        raise RunError(f"{path} is damaged: a trial without its number, candidate or measurements. {_AGAIN}")
    return document


def _is_trial(row: object) -> bool:
    if not isinstance(row, dict) or not {"number", "candidate", "rung", "origin"} <= set(row):
        return False
    candidate = row["candidate"]
    whole = isinstance(candidate, dict) and {"id", "values"} <= set(candidate)
    return whole and isinstance(row.get("measurements"), dict)


def read_front_table(run: Path) -> str:
    """The front's CSV."""
    return _text(run / "front.csv")


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object of a run folder."""
    try:
        document = json.loads(_text(path))
    except ValueError as error:
        raise RunError(f"{path} is damaged ({error}). {_AGAIN}") from error
    if not isinstance(document, dict):
        raise RunError(f"{path} is damaged: it holds no JSON object. {_AGAIN}")
    return document


_AGAIN = "Run the same search again: it goes on from its store."


def _text(path: Path) -> str:
    run = path.parent
    if not run.is_dir():
        what = "is a file, not a run folder" if run.exists() else "is not there"
        raise RunError(f"{run} {what}. Give the folder (--out) of a search.")
    if not path.is_file():
        raise RunError(
            f"{run} has no {path.name}: it is no run folder, or its search has not found anything yet. "
            "Give the folder (--out) of a search, or run the search again to go on."
        )
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}. Put its permissions right.") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{path} is damaged ({error}). {_AGAIN}") from error
