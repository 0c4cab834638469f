"""docs/requests.md says what the code does."""

import re
from pathlib import Path

import pytest

from autocompress.request import QUANTITIES, DeviceNames, LineError, Request

PAGE = (Path(__file__).parents[2] / "docs" / "requests.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", PAGE, re.MULTILINE)
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def _blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


@pytest.mark.parametrize(("line", "printed"), EXAMPLES)
def test_each_example_is_read_as_the_page_says(line: str, printed: str, devices: DeviceNames) -> None:
    assert str(Request.parse(line, devices)) == printed
    assert str(Request.parse(printed, devices)) == printed


@pytest.mark.parametrize("block", _blocks(""))
def test_each_refusal_is_the_one_on_the_page(block: str, devices: DeviceNames) -> None:
    line, _, message = block.partition("\n\n")
    with pytest.raises(LineError) as refusal:
        Request.parse(line, devices)
    assert str(refusal.value) == message.rstrip("\n")


@pytest.mark.parametrize("block", _blocks("python"))
def test_each_python_block_runs_and_prints_its_comments(
    block: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(block, "docs/requests.md", "exec"), {})
    printed = capsys.readouterr().out
    for comment in re.findall(r"^print\(request(?:\.constraints)?\) +# (.*)$", block, re.MULTILINE):
        assert comment in printed


@pytest.mark.parametrize("block", _blocks("toml"))
def test_each_file_on_the_page_loads(block: str, tmp_path: Path, devices: DeviceNames) -> None:
    path = tmp_path / "request.toml"
    path.write_text(block, encoding="utf-8")
    assert Request.load(path, devices) == Request.parse("<80MB, <1s on Snapdragon 7 Gen3", devices)


def test_the_page_names_every_quantity_and_its_side() -> None:
    for quantity in QUANTITIES.values():
        row = next(row for row in PAGE.splitlines() if row.startswith(f"| `{quantity.field}` |"))
        assert f"| {quantity.words} |" in row


def test_the_page_has_examples_and_refusals() -> None:
    assert len(EXAMPLES) >= 8
    assert len(_blocks("")) >= 3
