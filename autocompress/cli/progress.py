"""Progress on standard error: what is being done, how far, how long still."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autocompress.models.training.trainer import Progress as TrainingProgress


@contextmanager
def count_report(what: str, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar for ``report(done, total)``; none when ``quiet``."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def training_report(quiet: bool = False) -> Iterator[Callable[[str, "TrainingProgress"], None]]:
    """A bar a stage for ``report(stage, progress)``, with losses and time left; none when ``quiet``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        tasks: dict[str, int] = {}

        def report(stage: str, progress: "TrainingProgress") -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=progress.total, note="")
            losses = " ".join(f"{name} {value:.3g}" for name, value in progress.losses.items())
            left = f"{progress.seconds_left / 60:.0f} min left  " if progress.losses else ""
            bars.update(tasks[stage], completed=progress.step, note=left + losses)  # type: ignore[arg-type]

        yield report


@contextmanager
def stage_report(quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """One line that says what is being done, for ``report(text)``; none when ``quiet``."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bars:
        task = bars.add_task("starting", total=None)
        yield lambda text: bars.update(task, description=text)
