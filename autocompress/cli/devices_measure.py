"""``devices profile`` and ``devices predict``: measure this machine; cost an ONNX file on any device."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[
    Path | None, typer.Option(help="Folder for the profile; without it, the profile becomes `local`.")
]
Minutes = Annotated[float, typer.Option(min=0.1, help="How long to measure; from 4 on, the full table.")]
Device = Annotated[str, typer.Option(help="Id or name of a device; `local` is this machine.")]
ShapeOptions = Annotated[
    list[str] | None, typer.Option("--shape", help="NAME=1,60: shape of an input; repeat it.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads; the device's own default without it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def register(app: typer.Typer) -> None:
    """Add both commands to the ``devices`` group."""
    app.command("profile")(profile)
    app.command("predict")(predict)


def profile(out: Out = None, minutes: Minutes = 10.0, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Measure this machine: operators, memory, dispatch. Interrupted, it goes on where it stopped.

    Example: autocompress devices profile --minutes 10
    """
    from autocompress.cli.devices_output import emit, progress
    from autocompress.hardware.local import local_folder
    from autocompress.hardware.profiler.run import profile_machine

    path = profile_machine(out or local_folder(), seconds=60 * minutes, say=progress(quiet))
    emit({"profile": str(path)}, f"profile written: {path}", as_json)


def predict(
    model: Path,
    device: Device = "local",
    shape: ShapeOptions = None,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Cost an ONNX file on a device, operator by operator.

    Example: autocompress devices predict model.onnx --device raspberry-pi-4
    """
    from autocompress.cli.devices_output import emit, parse_shapes, prediction_document, prediction_text
    from autocompress.hardware.latency import predict_file
    from autocompress.hardware.library import find_device
    from autocompress.hardware.model_file import load_model

    source = load_model(model, parse_shapes(shape or []))  # if wrong, said before a minute of measuring
    prediction = predict_file(source, find_device(device), threads=threads)
    emit(prediction_document(prediction), prediction_text(prediction), as_json)
