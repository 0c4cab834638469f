"""The page as text: structure, self-containedness, size, escaping."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autocompress.errors import BundleError, RunError
from autocompress.reporting import ReportData, read_run, report, write_page
from autocompress.reporting.data import Point, Sentence
from autocompress.reporting.page_file import render_page

SECTIONS = [
    "front-plot", "parallel-plot", "details", "measurements", "player", "sentences", "cost-plot",
    "schedule-plot", "schedule", "points-table", "hypervolume-plot", "sensitivity-plot", "deliveries",
    "delivery-plot", "curves-plot", "provenance",
]  # fmt: skip


class Page(HTMLParser):
    """Ids in their order, everything that a browser would fetch, and the data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.data = ""
        self._in_data = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids += [named["id"]] if named.get("id") else []
        self.fetched += [named[k] or "" for k in ("src", "srcset", "data", "poster") if k in named]
        self.fetched += [named["href"] or ""] if tag in ("link", "base") and "href" in named else []
        self._in_data = named.get("id") == "report-data"

    def handle_data(self, data: str) -> None:
        self.data += data if self._in_data else ""

    def handle_endtag(self, tag: str) -> None:
        self._in_data = False


@pytest.fixture(scope="module")
def page(data: ReportData) -> Page:
    return Page(render_page(data))


def test_page_has_every_part_once_and_in_order(page: Page) -> None:
    assert [i for i in page.ids if i in SECTIONS] == SECTIONS
    assert len(page.ids) == len(set(page.ids))


def test_page_asks_the_network_for_nothing(page: Page, data: ReportData) -> None:
    assert [url for url in page.fetched if not url.startswith("data:")] == []
    text = render_page(data)
    assert "default-src 'none'" in text
    style = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import", style)


def test_network_check_finds_a_remote_script() -> None:
    assert Page('<script src="https://example.org/x.js"></script>').fetched == ["https://example.org/x.js"]


def test_data_in_the_page_is_the_data_that_was_given(page: Page, data: ReportData) -> None:
    shown = json.loads(page.data)
    assert [p["candidate"] for p in shown["points"]] == [p.candidate for p in data.points]
    assert shown["constraints"][0]["text"] == "size_mb <= 45"
    front = shown["points"][0]
    assert front["schedule"][0] == {
        "unit": "GPT embedding", "part": "gpt", "kept": 1.0, "words": "1 of 1 table",
        "bits": front["schedule"][0]["bits"], "compute": "fp32",
    }  # fmt: skip
    assert set(front["clips"]) == {"s1", "s2"}
    assert all(shown["clips"][clip].startswith("data:audio/mpeg;base64,") for clip in front["clips"].values())


def test_every_voice_of_the_bundle_can_be_heard(page: Page, data: ReportData) -> None:
    assert [v.voice for v in data.voices] == ["emma", "george"]
    assert "A new sentence." in render_page(data)
    assert "voice-player" in page.ids
    assert all(data.clips[v.clip].startswith("data:audio/mpeg") for v in data.voices)


def test_sentences_cannot_end_the_script(data: ReportData) -> None:
    nasty = Sentence("s1", "</script><img src=https://example.org/x>", "emma")
    page = Page(render_page(dataclasses.replace(data, title="<b>", sentences=(nasty,))))
    assert [url for url in page.fetched if "example.org" in url] == []


def test_page_stays_under_the_limit_with_audio(run_folder: Path, tmp_path: Path) -> None:
    path = report(run_folder, out=tmp_path / "sub" / "report.html")
    assert 4_000_000 < path.stat().st_size < 15_000_000  # plotly.js alone has 4.8 MB
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]  # no draft is left


def test_too_large_a_page_is_refused(data: ReportData, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="15 is the limit"):
        write_page(dataclasses.replace(data, clips={"x": "y" * 15_000_000}), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_clips_beyond_the_budget_are_left_out_and_said_so(run_folder: Path) -> None:
    small = read_run(run_folder, clips_budget_bytes=40_000)
    assert 0 < sum(map(len, small.clips.values())) <= 40_000
    assert "left out" in small.notes[0]
    assert small.sentences[0].teacher_clip is not None  # the teacher's come first


def test_run_without_extras_still_makes_a_page(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "front.json").write_bytes((run_folder / "front.json").read_bytes())
    bare = read_run(tmp_path)
    assert (bare.clips, bare.sensitivity, bare.deliveries, bare.curves) == ({}, (), (), ())
    assert "No bundle has been produced" in render_page(bare)


def test_folders_that_are_no_run_or_no_bundle_are_refused(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no front\.json"):
        read_run(tmp_path)
    with pytest.raises(RunError, match="is no bundle"):
        read_run(run_folder, bundle=tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(BundleError):
        read_run(run_folder, bundle=tmp_path)


def test_delivered_values_stand_beside_their_predictions(data: ReportData) -> None:
    (delivery,) = data.deliveries
    assert delivery.predicted is not None
    assert delivery.inside is True
    assert delivery.where == "test machine, 2 threads"
    moved = dataclasses.replace(
        delivery, delivered=dataclasses.replace(delivery.delivered, value=1e6, high=1e6)
    )
    assert moved.inside is False
    elsewhere = dataclasses.replace(delivery, comparable=False)
    assert elsewhere.inside is None


def test_a_prediction_for_a_phone_is_not_judged_by_a_measurement_on_a_desk(run_folder: Path) -> None:
    plan = run_folder / "plan.json"
    plan.write_text(json.dumps({"device": "snapdragon-7-gen-3", "request": "size_mb<=45"}))
    try:
        (delivery,) = read_run(run_folder).deliveries
    finally:
        plan.unlink()
    assert (delivery.key, delivery.comparable, delivery.predicted_for) == (
        "size_mb",
        True,
        "snapdragon-7-gen-3",
    )


def test_a_cut_off_training_log_gives_its_whole_lines(data: ReportData) -> None:
    found = {curve.run: (curve.name, len(curve.steps)) for curve in data.curves}
    assert found["training/gpt"] == ("loss", 19)


def test_every_trial_of_the_store_is_in_the_report(data: ReportData) -> None:
    standings = {p.standing for p in data.points}
    assert {"front", "infeasible"} <= standings
    assert len({p.candidate for p in data.points}) == len(data.points)


def test_infeasible_run_shows_its_nearest_point(tmp_path: Path) -> None:
    from report_runs import search

    search(tmp_path, limit_mb=1.0, trials=4)
    nearest = read_run(tmp_path).points[0]
    assert isinstance(nearest, Point)
    assert nearest.standing == "nearest"
    assert nearest.schedule
