"""One search at a time in a run folder; the operating system drops the lock of a process that dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autocompress.errors import RunError


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the run folder; a :class:`RunError` (exit code 2) when another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise RunError(
                f"run folder {folder} is in use by process {holder}. Stop it, or give another --out."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
