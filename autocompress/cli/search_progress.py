"""A live line on stderr: stage, how far, time left, the best point so far, hypervolume."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autocompress.study import Progress as StudyProgress

_WORDS = {
    "plan": "planning",
    "teacher": "loading the teacher",
    "search": "searching",
    "sensitivity": "writing what each decision loses",
    "student": "making the student",
    "export": "exporting graphs",
    "precision": "writing precisions",
    "parity": "checking graphs against the student",
    "voices": "making voices",
    "bundle": "writing the bundle",
    "claims": "measuring the bundle",
    "report": "writing the report",
}


class SearchProgress:
    """Does nothing when ``quiet``."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self._bars: Any = None
        self._task: Any = None
        self._best: StudyProgress | None = None
        self._trials: int | None = None
        self._seconds: float | None = None

    def start(self) -> None:
        if self.quiet:
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._bars = Progress(*columns, console=Console(file=sys.stderr), transient=True)
        self._bars.start()
        self._task = self._bars.add_task("starting", total=None, count="", note="")

    def stop(self) -> None:
        if self._bars is not None:
            self._bars.stop()

    def plan(self, trials: int | None, seconds: float | None) -> None:
        """What the search may spend."""
        self._trials, self._seconds = trials, seconds

    def stage(self, name: str) -> None:
        """What is being done now."""
        if self._bars is not None:
            self._bars.update(self._task, description=_WORDS.get(name, name))

    def note(self, text: str) -> None:
        """Lines above the bar."""
        if self._bars is not None:
            self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def watch(self, progress: "StudyProgress") -> None:
        """One evaluation has finished."""
        if self._bars is None:
            return
        self._best = _better(self._best, progress)
        done = progress.evaluations if self._seconds is None else progress.seconds
        total = self._trials if self._seconds is None else self._seconds
        self._bars.update(
            self._task,
            completed=min(done, total or done),
            total=total,
            count=f"{progress.evaluations} evaluated, {self._left(progress)}",
            note=f"front {progress.front_size}, hypervolume {progress.hypervolume:.4g}{_words(self._best)}",
        )

    def _left(self, progress: "StudyProgress") -> str:
        if self._seconds is not None:
            left = max(0.0, self._seconds - progress.seconds)
        else:
            each = progress.seconds / progress.evaluations
            left = each * max(0, (self._trials or 0) - progress.evaluations)
        return f"{left / 60:.0f} min left" if left >= 90 else f"{left:.0f} s left"


def _better(best: "StudyProgress | None", new: "StudyProgress") -> "StudyProgress | None":
    """The trial with the lower loss of quality, among those of the same rung."""
    if new.trial.state != "complete" or "quality_loss" not in new.trial.measurements:
        return best
    if best is None or best.trial.rung != new.trial.rung:
        return new
    losses = [p.trial.measurements["quality_loss"].value for p in (best, new)]
    return new if losses[1] < losses[0] else best


def _words(best: "StudyProgress | None") -> str:
    if best is None:
        return ""
    seen = best.trial.measurements
    return (
        f", best {seen['size_mb'].value:.3g} MB {seen['latency_s'].value:.2g} s "
        f"loss {seen['quality_loss'].value:.3g}"
    )
