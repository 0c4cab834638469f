"""The command line: one file a group of commands; the work is in the layers below."""

import json
import sys

import typer

from autocompress.cli import devices, model, report, search, speech, watch
from autocompress.errors import AutocompressError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")
app.add_typer(model.app, name="model")
app.add_typer(devices.app, name="devices")
search.register(app)
speech.register(app)
report.register(app)
watch.register(app)


@app.callback()
def root() -> None:
    """Compress a GPT-SoVITS voice until it fits a device."""


def main() -> None:
    """Run the command line; every error of ours becomes one message and its exit code."""
    try:
        app()
    except AutocompressError as error:
        if "--json" in sys.argv:
            print(json.dumps({"error": type(error).__name__, "message": str(error)}, ensure_ascii=False))
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted; everything finished so far is kept", file=sys.stderr)
        sys.exit(130)
