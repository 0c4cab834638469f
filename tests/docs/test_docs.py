"""Python and shell blocks of the documentation run, page by page, in one empty folder each."""

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from autocompress.models import reference
from autocompress.models.onnx import export
from autocompress.watch import read_requests

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OWN_TESTS = {"requests.md": "tests/request/test_request_docs.py", "devices.md": "", "device_estimates.md": ""}
PAGES = sorted(path.name for path in DOCS.glob("*.md") if path.name not in OWN_TESTS)
RUNS, WITH_MODEL, NOT_RUN = "runs", "runs with the reference model", "not run: "
HAS_MODEL = all(path.is_file() for path in (reference.GPT, reference.SOVITS, reference.CHECKSUMS))
_BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)```", re.DOTALL)
_SMALL = "from autocompress.planner import SearchSettings\nSMALL = SearchSettings(trials=3, speech=False)\n"
_TEST_BUDGET = (r"--budget \S+", "--budget 3trials --no-speech")
_TEST_TRAINING = (r"autocompress produce (?!.*--distil-steps)", "autocompress produce --distil-steps 0 ")
_TEST_CAST = (r" --voices (\"[^\"]*\"|'[^']*')", "")  # thirty-two voices take minutes
# The first argument of `ac.produce` is a call, too: its own bracket closes first.
_TEST_PRODUCE = (r"(ac\.produce\([^)]*\)[^)]*)\)", r"\1, distil_steps=0)")


@dataclass(frozen=True)
class Block:
    """A fenced block, its language, and the comment above it."""

    page: str
    language: str
    mark: str
    code: str


def blocks(page: str) -> list[Block]:
    text = (DOCS / page).read_text("utf-8")
    return [Block(page, m["language"], m["mark"] or "", m["code"]) for m in _BLOCK.finditer(text)]


def run(block: Block, folder: Path) -> None:
    """Run a block as its reader would; its output is the message of a failure."""
    if block.language == "python":
        code = block.code.replace('space="quick")', 'space="quick", settings=SMALL)')
        code = re.sub(*_TEST_PRODUCE, code)
        command = [sys.executable, "-W", "error", "-c", (_SMALL if "SMALL" in code else "") + code]
    else:
        code = re.sub(*_TEST_BUDGET, block.code).replace("--trials 10", "--trials 3")
        code = re.sub(*_TEST_TRAINING, code)
        code = re.sub(*_TEST_CAST, code)
        command = ["bash", "-euo", "pipefail", "-c", code]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{block.page}:\n{block.code}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_whether_it_runs(page: str) -> None:
    for block in blocks(page):
        if block.language in ("python", "sh"):
            assert block.mark in (RUNS, WITH_MODEL) or block.mark.startswith(NOT_RUN), block.code
        assert block.language in ("python", "sh", "toml", "kotlin"), (
            f"{page}: name the language of\n{block.code}"
        )


def pages_with(mark: str) -> list[str]:
    return [page for page in PAGES if any(block.mark == mark for block in blocks(page))]


NEED_MODEL = pages_with(WITH_MODEL)  # their other blocks run with these, in one folder


@pytest.mark.parametrize("page", [p for p in pages_with(RUNS) if not (HAS_MODEL and p in NEED_MODEL)])
def test_blocks_run(page: str, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.mark == RUNS:
            run(block, tmp_path)


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not HAS_MODEL, reason="the reference model's weights are not in this checkout")
@pytest.mark.parametrize("page", NEED_MODEL)
def test_blocks_with_the_reference_model_run(page: str, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.mark in (RUNS, WITH_MODEL):
            run(block, tmp_path)


def test_a_block_that_fails_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no-such-option"):
        run(Block("x.md", "sh", RUNS, "autocompress devices list --no-such-option"), tmp_path)


@pytest.mark.parametrize("page", [*PAGES, *OWN_TESTS])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([\w./-]+\.md)(?:#[\w-]+)?\)", (DOCS / page).read_text("utf-8")):
        assert (DOCS / target).is_file(), f"{page} names {target}"


def test_example_of_requests_can_be_read(tmp_path: Path) -> None:
    (block,) = [b for b in blocks("watch.md") if b.language == "toml"]
    path = tmp_path / "requests.toml"
    path.write_text(block.code)
    assert [r.name for r in read_requests(path)] == ["phone", "kiosk"]


def test_example_of_voices_is_toml_with_known_keys() -> None:
    (block,) = [b for b in blocks("own_voice.md") if b.language == "toml"]
    assert set(tomllib.loads(block.code)["emma"]) <= {"recording", "transcript", "language", "references"}


def test_kotlin_names_what_the_graphs_are_called() -> None:
    """Every quoted word of the example is a graph's name, a manifest's key or a column of the voice store."""
    (block,) = [b for b in blocks("own_voice.md") if b.language == "kotlin"]
    source = Path(export.__file__).read_text("utf-8")
    for name in ("token", "position", "length", "codes", "phoneme_ids", "style", "noise", "window", "prompt"):
        assert f'"{name}" to' in block.code
        assert f'"{name}"' in source
    for name in ("logits", "audio"):
        assert f'out.get("{name}")' in block.code or f'first.get("{name}")' in block.code
        assert f'"{name}"' in source
    store = (ROOT / "autocompress/bundle/voice_store.py").read_text("utf-8")
    for column in ("prompt_phoneme_ids", "prompt_tokens", "style"):
        assert column in block.code
        assert column in store
    manifest = (ROOT / "autocompress/bundle/manifest.py").read_text("utf-8")
    for key in ("files", "role", "path", "providers", "audio", "speech", "noise_scale", "inter"):
        assert f'"{key}"' in block.code
        assert key in manifest
