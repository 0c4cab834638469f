"""The measurements of a run, one JSON line each, so that an interrupted run goes on where it stopped."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from autocompress.hardware.profiler.timing import Timing


@dataclass(frozen=True)
class Entry:
    """One timing of one probe; ``pass_number`` counts how often the probe was visited.

    ``mean_s`` is 0 in a log of before it was kept.
    """

    key: str
    threads: int
    pass_number: int
    seconds: float
    spread: float
    runs: int
    mean_s: float = 0.0

    @classmethod
    def of(cls, key: str, threads: int, pass_number: int, timing: Timing) -> "Entry":
        return cls(key, threads, pass_number, **asdict(timing))


class Log:
    """Append-only file of entries. A last line cut off by an interruption is dropped."""

    def __init__(self, path: Path, machine: str) -> None:
        self._path = path
        self.entries: list[Entry] = []
        if path.is_file():
            self._read(machine)
        if not self.entries:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"machine": machine}) + "\n", "utf-8")

    def _read(self, machine: str) -> None:
        whole = [
            line for line in self._path.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")
        ]
        if whole and json.loads(whole[0]).get("machine") == machine:
            self.entries = [Entry(**json.loads(line)) for line in whole[1:]]
            self._path.write_text("".join(whole), "utf-8")

    def add(self, entry: Entry) -> None:
        """Append and flush to the disk."""
        self.entries.append(entry)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def of(self, key: str, threads: int) -> list[Entry]:
        """Every visit of one point."""
        return [entry for entry in self.entries if entry.key == key and entry.threads == threads]
