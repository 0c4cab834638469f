"""Size: the bytes of the files that a device needs to speak, file by file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autocompress.errors import BundleError

BYTES_PER_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class FileSize:
    """One file, by its path inside the folder."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SizeReport:
    """``items`` make up the size; ``apart`` (voice store, runtime library) are listed and not counted."""

    items: tuple[FileSize, ...]
    apart: tuple[FileSize, ...] = ()

    @property
    def total_bytes(self) -> int:
        """Bytes of the counted files: what ``du --apparent-size --bytes`` sums for them."""
        return sum(item.size_bytes for item in self.items)

    @property
    def size_mb(self) -> float:
        """Total in megabytes of 10^6 bytes."""
        return self.total_bytes / BYTES_PER_MB


def measure_size(folder: Path, apart: Iterable[str] = ()) -> SizeReport:
    """Size of every file under ``folder``; the paths named in ``apart`` are listed on their own.

    A file that is linked to is counted once, at its full size, as ``du --dereference`` counts it.
    """
    if not folder.is_dir():
        raise BundleError(f"Measuring the size of {folder}: no such folder. Give a bundle's folder.")
    kept_apart = set(apart)
    files = _files(folder)
    missing = sorted(kept_apart - {file.path for file in files})
    if missing:
        raise BundleError(
            f"Measuring the size of {folder}: {', '.join(missing)} should be apart and is not there."
        )
    return SizeReport(
        items=tuple(file for file in files if file.path not in kept_apart),
        apart=tuple(file for file in files if file.path in kept_apart),
    )


def _files(folder: Path) -> Sequence[FileSize]:
    seen: set[tuple[int, int]] = set()
    files = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() and not path.exists():
            raise BundleError(
                f"Measuring the size of {folder}: {name} links to nothing. Remove or repair it."
            )
        status = path.stat()
        if path.is_file() and (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            files.append(FileSize(name, status.st_size))
    return files
