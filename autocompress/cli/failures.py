"""Failures as a person or a machine can use them: one message, one exit code, no traceback."""

import json
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autocompress.errors import AutocompressError

INTERRUPTED = 130
MALFORMED = 2
_KEPT = "interrupted; everything finished so far is kept."


@contextmanager
def told(as_json: bool) -> Iterator[None]:
    """Turn what is raised inside into a message on stderr (with ``as_json`` a document on stdout, too)."""
    try:
        yield
    except AutocompressError as error:
        details = getattr(error, "details", {})
        _tell(type(error).__name__, str(error), error.exit_code, as_json, details)
    except KeyboardInterrupt:
        _tell("KeyboardInterrupt", _KEPT, INTERRUPTED, as_json)
    except SystemExit as ending:  # Typer turns Ctrl-C into a silent one
        if ending.code == INTERRUPTED:
            _tell("KeyboardInterrupt", _KEPT, INTERRUPTED, as_json)
        raise
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _tell(type(error).__name__, _of_the_system(error), MALFORMED, as_json)
    except sqlite3.DatabaseError as error:
        _tell(type(error).__name__, f"a database cannot be used: {error}.", MALFORMED, as_json)


def _of_the_system(error: OSError) -> str:
    """What the operating system refused, and where."""
    places = [str(name) for name in (error.filename, error.filename2) if name is not None]
    where = " and ".join(places) or "a file"
    return (
        f"{where} cannot be used: {error.strerror or error}. Check the path, its permissions and free space."
    )


def _tell(
    kind: str, message: str, exit_code: int, as_json: bool, details: Mapping[str, Any] | None = None
) -> None:
    if as_json:
        print(json.dumps({"error": kind, "message": message, **(details or {})}, ensure_ascii=False))
    print(message if exit_code == INTERRUPTED else f"error: {message}", file=sys.stderr)
    sys.exit(exit_code)
