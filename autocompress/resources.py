"""Where the data files are: in a wheel under ``autocompress/_data``, in a checkout at the top level."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """Folder ``name`` (``search_spaces`` or ``hardware_profiles``) of the installed package or checkout."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
