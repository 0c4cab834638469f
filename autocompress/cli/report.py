"""``report``: the HTML page of a run."""

import json
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
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """One HTML page of a run, with plots and audio. Example: autocompress report results/demo"""
    from autocompress import reporting

    page = reporting.report(run, bundle, out)
    drawn = reporting.write_figures(reporting.read_run(run, bundle), figures) if figures else ()
    if as_json:
        print(json.dumps({"report": str(page), "figures": [str(path) for path in drawn]}))
    elif not quiet:
        print("\n".join(f"written: {path}" for path in (page, *drawn)))
