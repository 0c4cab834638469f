"""The loop around an objective: log, average, checkpoint, resume. It knows nothing of speech."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from autocompress.errors import RunError


class DivergedError(RunError):
    """Losses that are not finite; ``step`` is where. The last checkpoint is as it was."""

    def __init__(self, step: int, losses: dict[str, float], state: Path) -> None:
        self.step = step
        super().__init__(
            f"Training diverged at step {step}: {losses}. The last good state is {state}; "
            "start again from it with a lower learning rate."
        )


class Objective(Protocol):
    """What is trained: one step at a time, and a state that can be saved whole."""

    def step(self, step: int) -> dict[str, float]:
        """Do optimisation step number ``step``; the losses by name."""

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""

    def restore(self, state: dict[str, Any]) -> None:
        """Undo everything since ``state`` was taken."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands; ``losses`` are means since the last report."""

    step: int
    total: int
    losses: dict[str, float]
    seconds_per_step: float

    @property
    def seconds_left(self) -> float:
        return (self.total - self.step) * self.seconds_per_step


@dataclass(frozen=True)
class Schedule:
    """How long, and how often to report and to save."""

    total_steps: int
    report_every: int = 50
    save_every_s: float = 300.0


def train(
    objective: Objective,
    schedule: Schedule,
    folder: Path,
    report: Callable[[Progress], None],
    stop_at: float = math.inf,
) -> int:
    """Run to ``total_steps`` (or until the clock passes ``stop_at``), from the last checkpoint in ``folder``.

    Returns the step reached. Losses that are not finite end the run with ``RunError``: the last good
    checkpoint stays as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    step = resume(objective, folder)
    window = _Window(step)
    last_save = time.monotonic()
    while step < schedule.total_steps and time.time() < stop_at:
        losses = objective.step(step)
        step += 1
        window.add(losses)
        if not all(math.isfinite(value) for value in losses.values()):
            raise DivergedError(step, losses, folder / "state.pt")
        if step % schedule.report_every == 0 or step == schedule.total_steps:
            progress = window.report(step, schedule.total_steps)
            _append(folder / "losses.jsonl", progress)
            report(progress)
        if time.monotonic() - last_save > schedule.save_every_s:
            save(objective, step, folder)
            last_save = time.monotonic()
    save(objective, step, folder)
    return step


def save(objective: Objective, step: int, folder: Path) -> None:
    """Write the state under a temporary name, then rename: a killed run never leaves half a file."""
    save_whole({"step": step, "objective": objective.state()}, folder / "state.pt")


def save_whole(content: Any, path: Path) -> None:
    """``torch.save``, whole or not at all; a full disk is a ``RunError`` and leaves what was there before."""
    temporary = path.with_suffix(".tmp")
    try:
        torch.save(content, temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch wraps a failed write in a RuntimeError
        temporary.unlink(missing_ok=True)
        kept = f"The last good state is {path}. " if path.is_file() else ""
        raise RunError(
            f"{path} could not be written ({str(error).splitlines()[0]}). {kept}"
            "Free some space, then run the same command again: it goes on from there."
        ) from error


def resume(objective: Objective, folder: Path) -> int:
    """Restore the last checkpoint of ``folder`` if there is one; the step to go on from."""
    path = folder / "state.pt"
    if not path.is_file():
        return 0
    saved = torch.load(path, weights_only=True)
    objective.restore(saved["objective"])
    return int(saved["step"])


class _Window:
    """Means of the losses since the last report."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._since = time.monotonic()
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, losses: dict[str, float]) -> None:
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def report(self, step: int, total: int) -> Progress:
        means = {name: value / self._counts[name] for name, value in self._sums.items()}
        seconds = (time.monotonic() - self._since) / max(step - self._step, 1)
        self.__init__(step)  # type: ignore[misc]
        return Progress(step, total, means, seconds)


def _append(path: Path, progress: Progress) -> None:
    row = {"step": progress.step, "seconds_per_step": round(progress.seconds_per_step, 4)}
    row |= {name: round(value, 5) for name, value in progress.losses.items()}
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
