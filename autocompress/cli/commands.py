"""All commands under one application."""

from typing import Annotated

import typer

from autocompress.cli import devices, model, report, search, speech, watch
from autocompress.cli.options import set_up_logging

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")
app.add_typer(model.app, name="model")
app.add_typer(devices.app, name="devices")
search.register(app)
speech.register(app)
report.register(app)
watch.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        from autocompress import __version__

        print(f"autocompress {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what the libraries below say.")] = False,
) -> None:
    """Compress a GPT-SoVITS voice until it fits a device.

    Example: autocompress compress "<80MB, <1s on Snapdragon 7 Gen3"
    """
    if verbose:
        set_up_logging(True)
