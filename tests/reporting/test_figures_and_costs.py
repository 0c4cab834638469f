"""Static figures, clips on disk, and shares of cost."""

import json
import sys
from pathlib import Path

import pytest
from report_runs import SENTENCES, tone

from autocompress.errors import MissingExtraError, RunError
from autocompress.reporting import ReportData, write_figures
from autocompress.reporting.clips import read_clips, write_clips
from autocompress.reporting.costs import costs_from_details


def test_figures_are_png_and_svg(data: ReportData, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    written = write_figures(data, tmp_path, formats=("svg",))
    assert {p.name for p in written} == {"front.svg", "hypervolume.svg", "schedule.svg"}
    assert (
        "size_mb [MB]" in (tmp_path / "front.svg").read_text()
        or b"<svg" in (tmp_path / "front.svg").read_bytes()
    )
    (png,) = [p for p in write_figures(data, tmp_path, formats=("png",)) if p.stem == "hypervolume"]
    assert png.read_bytes().startswith(b"\x89PNG")


def test_figures_without_matplotlib_name_the_extra(
    data: ReportData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"autocompress\[report\]"):
        write_figures(data, tmp_path)


def test_costs_are_read_from_the_details_of_an_evaluation() -> None:
    details = {"seconds.step": 0.4, "bytes.sovits.flow": 2e6, "kl": 1.0, "other.x": 2.0}
    assert costs_from_details(details) == {"latency_s": {"step": 0.4}, "size_mb": {"sovits.flow": 2.0}}


def test_clips_are_read_back_and_later_speakers_join_earlier_ones(tmp_path: Path) -> None:
    write_clips(tmp_path, SENTENCES, {"teacher": {"s1": tone(220)}})
    write_clips(tmp_path, SENTENCES, {"abc": {"s1": tone(330)}})
    clips = read_clips(tmp_path)
    assert clips.sentences == SENTENCES
    assert clips.of("teacher")["s1"].is_file()
    assert clips.of("abc")["s1"].is_file()
    assert clips.of("nobody") == {}


def test_a_list_of_clips_cannot_name_files_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(b"")
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "clips.json").write_text(json.dumps({"teacher": {"s1": "../secret.wav"}}))
    with pytest.raises(RunError, match="no file of that folder"):
        read_clips(tmp_path / "clips")
