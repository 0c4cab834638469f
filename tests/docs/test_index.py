"""The list of pages is whole."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_every_page_is_in_the_list() -> None:
    named = set(re.findall(r"\]\(([\w.]+\.md)\)", (DOCS / "README.md").read_text("utf-8")))
    assert named == {path.name for path in DOCS.glob("*.md")} - {"README.md"}


def test_the_readme_names_only_files_that_exist() -> None:
    root = DOCS.parent
    text = (root / "README.md").read_text("utf-8")
    places = re.findall(
        r"`((?:docs|results|autocompress|benchmarks|search_spaces|hardware_profiles)/[\w./-]+)`", text
    )
    linked = re.findall(r"\]\(([\w./-]+)\)", text)
    assert places
    assert [name for name in (*places, *linked) if not (root / name).exists()] == []


def test_every_folder_of_results_has_a_target_that_remakes_it() -> None:
    makefile = (DOCS.parent / "Makefile").read_text("utf-8")
    folders = [path.name for path in (DOCS.parent / "results").iterdir() if path.is_dir()]
    targets = [f"results-{name.replace('_', '-')}" for name in folders]
    assert [name for name in targets if f"\n{name}: setup" not in makefile] == []
