"""autocompress: one line in, a smaller GPT-SoVITS voice out.

Importing this package loads nothing heavy: each public name is fetched from its module on first use.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "AutocompressError": "autocompress.errors",
    "Bundle": "autocompress.bundle",
    "Request": "autocompress.request",
    "compress": "autocompress.pipeline.compose",
    "load_teacher": "autocompress.models.teacher",
    "plan": "autocompress.pipeline.compose",
    "produce": "autocompress.pipeline.compose",
    "report": "autocompress.pipeline.run_report",
    "search": "autocompress.pipeline.compose",
}

__all__ = [
    "AutocompressError",
    "Bundle",
    "Request",
    "compress",
    "load_teacher",
    "plan",
    "produce",
    "report",
    "search",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'autocompress' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
