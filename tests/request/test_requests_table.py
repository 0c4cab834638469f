"""Requests as people write them: each good one is read right, each bad one is refused at its place.

``requests.tsv`` is read with a fixed catalogue of devices. ``requests_of_others.tsv`` was written without
knowledge of the reader (its first 102 lines before it was seen) and is read with the shipped devices.
"""

import csv
import re
from pathlib import Path

import pytest

from autocompress.request import DeviceNames, LineError, Request, library_devices

_ESCAPE = re.compile(r"\\(t|n|x[0-9a-f]{2}|u[0-9a-f]{4})")


def _unescape(text: str) -> str:
    named = {"t": "\t", "n": "\n"}
    return _ESCAPE.sub(lambda m: named.get(m[1]) or chr(int(m[1][1:], 16)), text)


def _rows(name: str, reading: str) -> list[tuple[str, str, str]]:
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            (_unescape(r["line"]), _unescape(r["expected"]), r["message"])
            for r in table
            if r["reading"] == reading
        ]


GOOD, BAD = _rows("requests.tsv", "good"), _rows("requests.tsv", "bad")
GOOD_OF_OTHERS, BAD_OF_OTHERS = (_rows("requests_of_others.tsv", reading) for reading in ("good", "bad"))


def test_each_table_holds_enough_of_both_kinds() -> None:
    assert len(GOOD) >= 75
    assert len(BAD) >= 75
    assert len(GOOD_OF_OTHERS) >= 50
    assert len(BAD_OF_OTHERS) >= 50


@pytest.mark.parametrize(("line", "printed", "_message"), GOOD)
def test_a_good_request_is_read_right(line: str, printed: str, _message: str, devices: DeviceNames) -> None:
    assert str(Request.parse(line, devices)) == printed


@pytest.mark.parametrize(("line", "printed", "_message"), GOOD_OF_OTHERS)
def test_a_good_request_of_somebody_else_is_read_right(line: str, printed: str, _message: str) -> None:
    assert str(Request.parse(line, library_devices())) == printed


@pytest.mark.parametrize(("line", "marked", "message"), BAD)
def test_a_bad_request_is_refused_at_its_place(
    line: str, marked: str, message: str, devices: DeviceNames
) -> None:
    _check_refusal(line, marked, message, devices)


@pytest.mark.parametrize(("line", "marked", "message"), BAD_OF_OTHERS)
def test_a_bad_request_of_somebody_else_is_refused_at_its_place(line: str, marked: str, message: str) -> None:
    _check_refusal(line, marked, message, library_devices())


def _check_refusal(line: str, marked: str, message: str, devices: DeviceNames) -> None:
    with pytest.raises(LineError) as refusal:
        Request.parse(line, devices)
    error = refusal.value
    assert f"{line[: error.start]}⟦{line[error.start : error.end]}⟧{line[error.end :]}" == marked
    assert message.casefold() in str(error).casefold()
