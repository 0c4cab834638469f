"""The mark under a refused place stands where a terminal shows that place."""

import pytest

from autocompress.request import DeviceNames, LineError, Request
from autocompress.request.faults import columns, mark


def _refuse(line: str, devices: DeviceNames) -> LineError:
    with pytest.raises(LineError) as refusal:
        Request.parse(line, devices)
    return refusal.value


def test_carets_stand_under_the_place() -> None:
    assert mark("<80MX on M1", 3, 5) == "  <80MX on M1\n     ^^"


def test_wide_characters_take_two_columns() -> None:
    assert mark("本机，80香", 5, 6) == "  本机，80香\n          ^^"
    assert columns("本机，80") == 8


def test_combining_marks_take_no_column() -> None:
    assert columns("e\u0301") == 1


def test_an_empty_place_at_the_end_gets_one_caret() -> None:
    assert mark("<80MB", 5, 5) == "  <80MB\n       ^"


def test_the_shown_and_the_marked_text_end_at_the_same_column(devices: DeviceNames) -> None:
    error = _refuse("请为本机生成８０ＭＸ", devices)
    _, shown, carets, _ = str(error).split("\n")
    assert columns(shown) == len(carets)
    assert carets.count("^") == columns("ＭＸ") == 4


def test_no_control_character_reaches_the_terminal(devices: DeviceNames) -> None:
    message = str(_refuse("<80MB \x1b[31m on M1", devices))
    assert not any(ord(c) < 32 and c != "\n" for c in message)
    assert "U+001B" in message


def test_a_long_line_is_cut_to_the_neighbourhood_of_the_place(devices: DeviceNames) -> None:
    line = "please " * 40 + "<80MX on M1" + " please" * 20
    error = _refuse(line, devices)
    shown, carets = str(error).split("\n")[1:3]
    assert columns(shown) < 100
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "MX"
    assert line[error.start : error.end] == "MX"


def test_a_line_without_end_is_refused_quickly(devices: DeviceNames) -> None:
    assert "characters" in _refuse("<80MB " * 100_000, devices).problem


def test_the_message_says_what_where_and_what_to_do(devices: DeviceNames) -> None:
    assert str(_refuse("<80MB on Snapdragon 9 Gen 1", devices)).split("\n") == [
        "Unknown device 'Snapdragon 9 Gen 1'.",
        "  <80MB on Snapdragon 9 Gen 1",
        "           ^^^^^^^^^^^^^^^^^^",
        "Nearest devices: Snapdragon 7 Gen 3, Snapdragon 8 Gen 3, Snapdragon 7+ Gen 3. "
        "All: autocompress devices list. This computer: on this machine.",
    ]
