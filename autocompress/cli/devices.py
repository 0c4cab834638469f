"""``devices list|show|fit|calibrate`` (``profile`` and ``predict`` are in ``devices_measure``)."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from autocompress.cli import devices_measure

app = typer.Typer(no_args_is_help=True, help="Devices: what is known of them, and what models cost on them.")
devices_measure.register(app)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Device = Annotated[
    str, typer.Argument(help="Id or name of a device, in English or Chinese; `local` is this one.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads; the device's own default without it.")]
Plot = Annotated[bool, typer.Option("--plot", help="Write a Plotly page.")]
Out = Annotated[Path | None, typer.Option(help="Where the page goes.")]


def _emit(document: object, text: str, as_json: bool) -> None:
    print(json.dumps(document, ensure_ascii=False) if as_json else text)


@app.command("list")
def list_devices(as_json: AsJson = False, quiet: Quiet = False) -> None:
    """All known devices.

    Example: autocompress devices list
    """
    from autocompress.cli.devices_text import list_document, list_text
    from autocompress.hardware.library import list_profiles

    profiles = list_profiles()
    _emit(list_document(profiles), list_text(profiles, with_header=not quiet), as_json)


@app.command()
def show(
    device: Device,
    threads: Threads = None,
    model: Annotated[Path | None, typer.Option(help="ONNX file whose operators go on the roofline.")] = None,
    plot: Plot = False,
    out: Out = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """A device: every number with its source, and its roofline.

    Example: autocompress devices show raspberry-pi-5 --plot
    """
    from autocompress.cli.devices_text import profile_document, profile_text
    from autocompress.hardware.library import find_device
    from autocompress.hardware.roofline_view import view_roofline

    profile = find_device(device)
    view = view_roofline(profile, threads, model)
    if plot:
        _write_page(view.page(), out or Path(f"{profile.id}-roofline.html"), quiet)
    _emit(profile_document(profile, view), profile_text(profile, view), as_json)


@app.command()
def fit(
    table: Annotated[
        Path, typer.Argument(help="CSV of measured transformers in the columns of HAT's datasets.")
    ],
    calibrate: Annotated[int, typer.Option(help="Rows that calibrate; all others test.")] = 10,
    draws: Annotated[int, typer.Option(help="How many random choices of those rows.")] = 50,
    column: Annotated[str, typer.Option(help="The measured latency.")] = "latency_mean_decoder",
    seed: Annotated[int, typer.Option(help="Of the random choices.")] = 0,
    plot: Plot = False,
    out: Out = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """How well a few runs on a device calibrate the model for it.

    Example: autocompress devices fit lut-latency.csv --calibrate 10
    """
    from autocompress.hardware.table_fit import fit_table
    from autocompress.hardware.transformer_table import read_transformer_table

    report = fit_table(read_transformer_table(table, column), calibrate, draws, seed)
    if plot:
        _write_page(report.page(f"{table.name}: {column}"), out or Path(f"{table.stem}-fit.html"), quiet)
    _emit(report.summary(), report.text(), as_json)


@app.command()
def calibrate(
    device: Device,
    measurements: Annotated[Path, typer.Argument(help="CSV: model,latency_s[,threads][,shapes].")],
    out: Annotated[Path, typer.Option(help="Folder for the calibrated profile.")] = Path("hardware_profiles"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Correct a device's estimate by whole-model runs; the calibrated profile is read first from then on.

    Example: autocompress devices calibrate raspberry-pi-5 runs.csv
    """
    from autocompress.cli.devices_text import calibration_text
    from autocompress.hardware.device_runs import calibrate_device, read_runs, write_calibrated
    from autocompress.hardware.library import find_device

    runs = read_runs(measurements)
    if not quiet:
        print(f"costing {len(runs)} runs ...", file=sys.stderr)
    report = calibrate_device(find_device(device), runs)
    path = write_calibrated(report, out)
    _emit({**report.summary(), "profile": str(path)}, calibration_text(report, path), as_json)


def _write_page(html: str, path: Path, quiet: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, "utf-8")
    if not quiet:
        print(f"page written: {path}", file=sys.stderr)
