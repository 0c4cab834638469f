"""Whatever is shipped besides code has its licence stated."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "autocompress"
SMALL_BYTES = 4_000  # shorter files are tables and notes of our own


def stated_paths(page: str) -> list[str]:
    """Paths of the first table; several of one folder are named after each other."""
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = []
    for cell in rows:
        names = re.findall(r"`([^`]+)`", cell)
        folder = names[0].rpartition("/")[0]
        named += [name if "/" in name else f"{folder}/{name}" for name in names]
    return named


def unstated(paths: list[str], package: Path) -> list[str]:
    shipped = [p for p in package.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc", ".md")]
    large = [p.relative_to(package).as_posix() for p in shipped if p.stat().st_size > SMALL_BYTES]
    return [name for name in large if not name.startswith(tuple(paths)) and "LICENSE" not in name]


def test_everything_shipped_has_its_licence_stated() -> None:
    paths = stated_paths((ROOT / "docs" / "licences.md").read_text("utf-8"))
    assert len(paths) >= 8
    assert unstated(paths, PACKAGE) == []


def test_a_file_without_a_licence_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(SMALL_BYTES + 1))
    assert unstated(["models/"], tmp_path) == ["weights.bin"]
