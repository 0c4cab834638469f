"""``report``: a run becomes its page."""

from pathlib import Path
from typing import Protocol

from autocompress.reporting.figures import write_figures
from autocompress.reporting.page_file import write_page
from autocompress.reporting.run_files import read_run

__all__ = ["read_run", "report", "write_figures", "write_page"]


class HasFolder(Protocol):
    """A search, a study or a bundle: what lives in a folder."""

    @property
    def folder(self) -> Path: ...


def report(
    run: HasFolder | Path | str,
    bundle: HasFolder | Path | str | None = None,
    out: Path | str | None = None,
) -> Path:
    """Write the report of ``run``: a study, or its folder.

    ``out`` is ``report.html`` in that folder, ``bundle`` the folder ``bundle`` inside it, unless given.
    Raises ``RunError`` when there is no front yet.
    """
    folder = folder_of(run)
    data = read_run(folder, None if bundle is None else folder_of(bundle))
    return write_page(data, Path(out) if out else folder / "report.html")


def folder_of(place: HasFolder | Path | str) -> Path:
    """The folder of a search's study, of a study, of a bundle, or the given one."""
    if isinstance(place, str | Path):
        return Path(place)
    owner: HasFolder = getattr(place, "study", place)
    return owner.folder
