"""The command line: one file a group of commands; the work is in the layers below."""

import sys
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Run the command line; whatever a user can cause becomes one message and its exit code."""
    from autocompress.cli.failures import told

    with told("--json" in sys.argv):
        from autocompress.cli.commands import app

        app()


def __getattr__(name: str) -> Any:
    """``app`` is made on first use, so that an interruption while it loads is told like any other."""
    if name != "app":
        raise AttributeError(f"module 'autocompress.cli' has no attribute {name!r}")
    from autocompress.cli.commands import app

    return app
