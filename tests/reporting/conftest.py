"""One finished run for all tests of the report."""

from pathlib import Path

import pytest
from report_runs import add_bundle, add_clips, add_tables, add_voices, search

from autocompress.reporting import ReportData, read_run


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "demo"
    front = search(folder)
    add_clips(folder, front)
    add_bundle(folder, front)
    add_voices(folder)
    add_tables(folder, front)
    return folder


@pytest.fixture(scope="session")
def data(run_folder: Path) -> ReportData:
    return read_run(run_folder)
