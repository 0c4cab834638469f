"""``watch``: search again what new or changed devices and models touch."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from autocompress.errors import AutocompressError

Requests = Annotated[
    Path, typer.Option("--requests", help="The requests: [[request]] with name, line, model.")
]
Results = Annotated[Path, typer.Option("--out", help="Folder for fronts, comparisons and the store.")]
Once = Annotated[bool, typer.Option("--once", help="One round now (what happens without --cron).")]
Cron = Annotated[
    str | None, typer.Option("--cron", help='Keep running: "0 3 * * *" is every night at three.')
]
Trials = Annotated[int, typer.Option("--trials", min=1, help="Candidates that each search may measure.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document a round on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("watch")(watch)


def watch(
    requests: Requests = Path("requests.toml"),
    out: Results = Path("results"),
    once: Once = False,
    cron: Cron = None,
    trials: Trials = 60,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search again what new or changed devices and models touch.

    Example: autocompress watch --once
    """
    from autocompress.watch import run_on_schedule

    if once and cron is not None:
        raise typer.BadParameter("give either --once or --cron, not both")
    work = partial(_round, requests, out, trials, as_json, quiet)
    if cron is not None:
        run_on_schedule(cron, partial(_told, work))
    else:
        raise typer.Exit(work())


def _round(requests: Path, out: Path, trials: int, as_json: bool, quiet: bool) -> int:
    """One round; its exit code."""
    from autocompress.pipeline.watching import search_again
    from autocompress.watch import watch_once

    done = watch_once(requests, out, partial(search_again, trials=trials), partial(_say, quiet))
    if as_json:
        print(json.dumps(done.to_dict(), ensure_ascii=False), flush=True)
    elif not quiet:
        print(f"{len(done.outcomes)} searched, {len(done.unchanged)} unchanged", flush=True)
    return done.exit_code


def _told(work: Callable[[], int]) -> None:
    """A round that cannot start is told, and the next one comes at its time."""
    try:
        work()
    except AutocompressError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)


def _say(quiet: bool, text: str) -> None:
    if not quiet:
        print(text, file=sys.stderr, flush=True)
