"""The report of a real search: costs and voices of its front are made on the way, once."""

import json
from pathlib import Path

from typer.testing import CliRunner

from autocompress.cli import app
from autocompress.pipeline.compose import plan, search
from autocompress.pipeline.run_report import report
from autocompress.planner import SearchSettings
from autocompress.reporting import read_run

LINE = "<2MB, <1s on Snapdragon 7 Gen3"


def test_report_of_a_search_has_costs_and_every_voice(found, delivered) -> None:
    page = report(found, delivered)
    data = read_run(found.study.folder, delivered.folder)
    assert page == found.study.folder / "report.html"
    assert data.request == "size_mb<=2 latency_s<=1 device=snapdragon-7-gen-3"
    assert len(data.sentences) == 3
    for point in data.front:
        assert sum(point.costs["size_mb"].values()) > 0
        assert abs(sum(point.costs["latency_s"].values()) - point.measurements["latency_s"].value) < 1e-6
        assert len(point.clips) == 3
        assert point.schedule
    assert data.delivered_candidate == found.front().smallest().candidate.id
    by_key = {d.key: d for d in data.deliveries}
    assert by_key["size_mb"].comparable
    assert not by_key["latency_s"].comparable  # predicted for a phone, measured here


def test_a_second_report_speaks_no_sentence_again(found, delivered) -> None:
    report(found, delivered)
    stages: list[str] = []
    report(found, delivered, stage=stages.append)
    assert stages == ["costs", "page"]


def test_command_reports_a_folder_whose_model_is_gone(found, tmp_path: Path) -> None:
    (tmp_path / "front.json").write_bytes((found.study.folder / "front.json").read_bytes())
    plan = json.loads((found.study.folder / "plan.json").read_text()) | {"model": "gone", "model_files": {}}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    done = CliRunner().invoke(app, ["report", str(tmp_path), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"report": str(tmp_path / "report.html"), "figures": []}
    assert "cannot be loaded" in done.stderr


def test_report_of_no_run_is_refused_with_a_word(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert "it is no run folder" in str(done.exception)


def test_a_search_leaves_what_its_decisions_were_seen_to_lose(teacher, tmp_path: Path) -> None:
    planned = plan(LINE, teacher, space="quick", settings=SearchSettings(trials=12, speech=False))
    search(planned, tmp_path)  # the solver's sampler measures single decisions first
    data = read_run(tmp_path)
    assert any(cell.loss > 0 for cell in data.sensitivity)
    assert "as far as the search has measured it" in data.sensitivity_note
    search(planned, tmp_path, sensitivity=True)
    full = read_run(tmp_path)
    assert len(full.sensitivity) > len(data.sensitivity)
    assert "rank correlation" in full.sensitivity_note
