"""The page in headless Chromium. Skipped, with a word, where no browser is found."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autocompress.reporting import ReportData, report

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install playwright"
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_MS = 200_000  # a loaded machine with one core parses plotly.js in half a minute


def _browser_path() -> str | None:
    return os.environ.get("AUTOCOMPRESS_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture(scope="module")
def page(run_folder: Path) -> Iterator[Any]:
    path = _browser_path()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(_NAMES)} is installed (apt-get install chromium)")
    target = report(run_folder)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        opened = browser.new_page(viewport={"width": 1200, "height": 900}, color_scheme="dark")
        opened.set_default_timeout(_PATIENCE_MS)
        opened.problems = []
        opened.on(
            "console", lambda m: opened.problems.append(m.text) if m.type in ("error", "warning") else None
        )
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        opened.asked = []
        opened.on("request", lambda r: opened.asked.append(r.url))
        opened.goto(target.as_uri(), timeout=_PATIENCE_MS)
        yield opened
        browser.close()


@pytest.mark.timeout(900)
def test_page_opens_without_complaint_and_without_a_network(page: Any, data: ReportData) -> None:
    page.wait_for_selector("#front-plot .point")
    best = next(p for p in data.points if "best" in p.picks)
    assert page.get_attribute("#details", "data-candidate") == best.candidate
    assert page.locator("#schedule tbody tr").count() == len(best.schedule)
    assert page.problems == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.timeout(900)
def test_click_on_a_point_shows_it_and_plays_its_clip(page: Any, data: ReportData) -> None:
    before = page.get_attribute("#details", "data-candidate")
    points = page.locator("#front-plot .scatterlayer .point")
    for i in range(points.count()):  # a point may lie under another: click until another one answers
        points.nth(i).dispatch_event("mousemove")
        box = points.nth(i).bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if page.get_attribute('#points-table tr[aria-selected="true"]', "data-candidate") != before:
            break
    chosen = page.get_attribute('#points-table tr[aria-selected="true"]', "data-candidate")
    assert chosen != before
    _wait_for(page, f'document.getElementById("details").dataset.candidate === "{chosen}"')
    page.click('#sentences button.candidate[data-sentence="s2"]')
    _wait_until_playing(page)
    assert page.get_attribute("#player", "data-clip") == f"{chosen}/s2"
    clips = {p.candidate: p.clips for p in data.points}
    assert data.clips[clips[chosen]["s2"]] == page.evaluate('document.getElementById("player").src')


@pytest.mark.timeout(900)
def test_a_voice_of_the_bundle_plays(page: Any, data: ReportData) -> None:
    page.click('#voices button:has-text("george")')
    _wait_for(page, 'document.getElementById("voice-player").currentTime > 0')
    assert page.get_attribute("#voice-player", "data-clip") == "voices/george"


@pytest.mark.timeout(900)
def test_teacher_and_candidate_switch_on_the_same_sentence(page: Any) -> None:
    page.click('#sentences button.teacher[data-sentence="s1"]')
    _wait_until_playing(page)
    assert page.get_attribute("#player", "data-clip") == "teacher/s1"
    page.keyboard.press("x")
    _wait_until_playing(page)
    chosen = page.get_attribute("#details", "data-candidate")
    assert page.get_attribute("#player", "data-clip") == f"{chosen}/s1"
    assert page.get_attribute('#sentences button.candidate[data-sentence="s1"]', "aria-pressed") == "true"


@pytest.mark.timeout(900)
def test_rows_are_reached_by_the_keyboard(page: Any) -> None:
    rows = page.locator("#points-table tbody tr")
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    second = rows.nth(1).get_attribute("data-candidate")
    assert page.get_attribute("#details", "data-candidate") == second
    assert page.evaluate("document.activeElement.dataset.candidate") == second


@pytest.mark.timeout(900)
def test_filters_hide_points_in_every_view(page: Any, data: ReportData) -> None:
    sizes = sorted(p.measurements["size_mb"].value for p in data.front)
    middle = sizes[len(sizes) // 2]
    page.evaluate('document.getElementById("filter-box").open = true')
    page.fill('#filters input[data-key="size_mb"][data-end="1"]', str(middle))
    kept = sum(size <= middle for size in sizes)
    assert page.locator("#points-table tbody tr").count() == kept
    drawn = 'document.getElementById("front-plot").data.filter((t) => t.name === "front")[0].x.length'
    assert page.evaluate(drawn) == kept
    page.click("#filters-clear")
    _wait_for(page, f'document.querySelectorAll("#points-table tbody tr").length === {len(sizes)}')
    page.check('[data-standing="infeasible"]')
    assert page.locator("#points-table tbody tr").count() > len(sizes)
    page.uncheck('[data-standing="infeasible"]')


@pytest.mark.timeout(900)
def test_theme_follows_the_system_and_switches(page: Any) -> None:
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.click("#theme")
    assert page.evaluate(theme) == "light"


@pytest.mark.timeout(900)
def test_page_fits_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    _wait_for(page, "document.documentElement.scrollWidth <= 360")
    assert page.problems == []


def _wait_until_playing(page: Any) -> None:
    player = 'document.getElementById("player")'
    _wait_for(
        page, f"!{player}.error && {player}.readyState >= 2 && ({player}.currentTime > 0 || {player}.ended)"
    )


def _wait_for(page: Any, condition: str) -> None:
    """Poll from here: the page's own policy forbids what ``wait_for_function`` would evaluate in it."""
    for _ in range(_PATIENCE_MS // 100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never came true: {condition}")
