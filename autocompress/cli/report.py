"""``report``: the HTML page of a run."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

Run = Annotated[Path, typer.Argument(help="Folder of a search, e.g. results/demo.")]
BundleOption = Annotated[
    Path | None, typer.Option("--bundle", help="The bundle; without it, `bundle` in the run.")
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="The page; without it, `report.html` in the run.")
]
Figures = Annotated[
    Path | None, typer.Option("--figures", help="Folder for PNG and SVG figures (extra `report`).")
]
Audio = Annotated[
    bool, typer.Option("--audio/--no-audio", help="Let teacher and front speak, if they have not.")
]
Voices = Annotated[
    str | None, typer.Option("--voices", help="A sentence that every voice of the bundle says in the page.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    run: Run,
    bundle: BundleOption = None,
    out: Out = None,
    figures: Figures = None,
    audio: Audio = True,
    voices: Voices = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """One HTML page of a run, with plots and audio.

    Example: autocompress report results/demo --figures figures
    """
    from autocompress import reporting
    from autocompress.pipeline.run_report import report as write

    page = write(run, bundle, out, audio=audio, voices=voices, stage=_stage(quiet))
    drawn = reporting.write_figures(reporting.read_run(run, bundle), figures) if figures else ()
    if as_json:
        print(json.dumps({"report": str(page), "figures": [str(path) for path in drawn]}))
    elif not quiet:
        print("\n".join(f"written: {path}" for path in (page, *drawn)))


def _stage(quiet: bool) -> Callable[[str], None]:
    return (lambda _: None) if quiet else (lambda text: print(f"{text} ...", file=sys.stderr, flush=True))
