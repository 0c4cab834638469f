"""Sizes are those that du counts."""

import subprocess
from pathlib import Path

import pytest

from autocompress.errors import BundleError
from autocompress.metrics.size import FileSize, measure_size


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "graphs").mkdir()
    (tmp_path / "graphs" / "gpt.onnx").write_bytes(b"x" * 12_345)
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "voices.db").write_bytes(b"v" * 777)
    (tmp_path / "empty").touch()
    return tmp_path


def du_bytes(folder: Path) -> int:
    """What du counts for the files of ``folder``; its entries for folders are left out."""
    files = [str(path) for path in folder.rglob("*") if path.is_file()]
    command = ["du", "--apparent-size", "--bytes", "--dereference", "--total", *files]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-2])


def test_the_total_is_what_du_counts(folder: Path):
    report = measure_size(folder)
    assert report.total_bytes == du_bytes(folder) == 12_345 + 2 + 777
    assert report.size_mb == pytest.approx(0.013124)


def test_links_count_the_file_once_at_full_size(folder: Path):
    (folder / "hard.onnx").hardlink_to(folder / "graphs" / "gpt.onnx")
    (folder / "soft.onnx").symlink_to(folder / "graphs" / "gpt.onnx")
    assert measure_size(folder).total_bytes == du_bytes(folder) == 12_345 + 2 + 777


def test_the_voice_store_is_listed_apart(folder: Path):
    report = measure_size(folder, apart=["voices.db"])
    assert report.apart == (FileSize("voices.db", 777),)
    assert [item.path for item in report.items] == ["empty", "graphs/gpt.onnx", "manifest.json"]
    assert report.total_bytes == 12_347


def test_a_missing_folder_file_or_link_is_refused(folder: Path):
    with pytest.raises(BundleError, match="no such folder"):
        measure_size(folder / "nowhere")
    with pytest.raises(BundleError, match=r"runtime\.so should be apart"):
        measure_size(folder, apart=["runtime.so"])
    (folder / "dangling").symlink_to(folder / "gone")
    with pytest.raises(BundleError, match="dangling links to nothing"):
        measure_size(folder)
