"""Whether the files of a bundle are those that its manifest describes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from autocompress.bundle.manifest import MANIFEST, SYMBOLS, VOICES, FileEntry, Manifest
from autocompress.errors import BundleError
from autocompress.models.text import symbol_table

_PIECE_BYTES = 1 << 20
_LONGEST_MANIFEST_BYTES = 4_000_000


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle folder; raises BundleError when there is none, or none that can be read."""
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise BundleError(f"{folder} is no bundle: it has no {MANIFEST}. Check the path.")
    if path.stat().st_size > _LONGEST_MANIFEST_BYTES:
        raise BundleError(f"{path} has {path.stat().st_size} bytes: no manifest is that long.")
    try:
        return Manifest.from_json(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} is not text ({error}). Copy or produce the bundle again.") from error


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raises BundleError listing every file that is missing, linked, of other length or of other content."""
    faults = [fault for entry in manifest.files for fault in _entry_faults(folder, entry)]
    faults += [f"{VOICES} is missing or a link"] * (not _is_plain_file(folder / VOICES))
    faults += _symbol_faults(folder, manifest) if not faults else []
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise BundleError(f"{folder} is not whole:\n{listed}\nCopy or produce the bundle again.")


def entry_of(folder: Path, path: str, role: str) -> FileEntry:
    """A file as the manifest must describe it."""
    whole = folder / path
    return FileEntry(path, role, sha256_of(whole), whole.stat().st_size)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def symbols_text(version: str) -> str:
    """The phoneme table of a version as a bundle keeps it: one symbol a line, in the order of the ids."""
    return "".join(f"{symbol}\n" for symbol in symbol_table(version).symbols)


def _symbol_faults(folder: Path, manifest: Manifest) -> list[str]:
    """The text front end here must number phonemes as it did when the bundle was made."""
    expected = symbols_text(manifest.text.version).encode()
    tables = [file.path for file in manifest.files if file.role == SYMBOLS]
    return [
        f"{path} is another phoneme table than {manifest.text.version}'s here"
        for path in tables
        if (folder / path).read_bytes() != expected
    ]


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _entry_faults(folder: Path, entry: FileEntry) -> Iterator[str]:
    path = folder / entry.path
    steps = [
        folder.joinpath(*path.relative_to(folder).parts[: i + 1]) for i in range(entry.path.count("/") + 1)
    ]
    if any(step.is_symlink() for step in steps):
        yield f"{entry.path} is a link, and might lead out of the bundle"
    elif not path.is_file():
        yield f"{entry.path} is missing"
    elif (size := path.stat().st_size) != entry.size_bytes:
        yield f"{entry.path} has {size} bytes instead of {entry.size_bytes}"
    elif sha256_of(path) != entry.sha256:
        yield f"{entry.path} was changed: its SHA-256 is not the manifest's"
