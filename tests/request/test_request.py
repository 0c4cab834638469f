"""Request: fields, keyword arguments, files, the printed line and the echo."""

import copy
import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from request_catalogue import CATALOGUE

import autocompress
from autocompress.errors import AutocompressError, RequestError
from autocompress.request import QUANTITIES, DeviceNames, LineError, Request, library_devices

EXAMPLES = (
    "<80MB, <1s on Snapdragon 7 Gen3",
    "请为骁龙7 Gen3设备生成一个<80MB、延迟<1s的GPT-SoVITS版本",
    "for this machine, less than 25 MB, MOS over 3.5",
    "iPhone 15 Pro under 60MiB, rtf below 0.3, sid at most 0.25",
    "size_mb<=80 latency_s<=1 device=snapdragon-7-gen-3",
)

# Nothing here is about time, and a busy machine stops a process for a second.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _values(field: str) -> st.SearchStrategy[float | None]:
    quantity = QUANTITIES[field]
    return st.none() | st.floats(quantity.above, quantity.most, exclude_min=True)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    limits = {field: draw(_values(field)) for field in QUANTITIES}
    if not any(limits.values()):
        limits["size_mb"] = draw(st.floats(0.01, 1000))
    return Request(device=draw(st.sampled_from([*CATALOGUE.names, "local"])), devices=CATALOGUE, **limits)


@untimed
@given(requests())
def test_every_request_prints_a_line_that_parses_to_itself(request: Request) -> None:
    again = Request.parse(str(request), CATALOGUE)
    assert again == request
    assert str(again) == str(request)
    assert hash(again) == hash(request)


@untimed
@given(requests(), st.randoms(use_true_random=False), st.sampled_from([", ", " ", "，", " and ", "、", "; "]))
def test_the_order_of_the_parts_says_nothing(request: Request, order: object, separator: str) -> None:
    parts = str(request).split(" ")
    order.shuffle(parts)  # type: ignore[attr-defined]
    assert Request.parse(separator.join(parts), CATALOGUE) == request


@untimed
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_at_a_place_inside_it(text: str) -> None:
    try:
        request = Request.parse(text, CATALOGUE)
    except LineError as error:
        assert 0 <= error.start <= error.end <= len(text)
    else:
        assert Request.parse(str(request), CATALOGUE) == request


@untimed
@given(st.sampled_from(EXAMPLES), st.integers(0, 100), st.text(max_size=3))
def test_a_damaged_request_is_read_or_refused(line: str, at: int, damage: str) -> None:
    try:
        Request.parse(line[:at] + damage + line[at:], CATALOGUE).echo()
    except LineError as error:
        assert "^" in str(error)


@untimed
@given(st.sampled_from(EXAMPLES), st.booleans())
def test_width_and_case_of_characters_say_nothing(line: str, upper: bool) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in line)
    assert Request.parse(wide.upper() if upper else wide, CATALOGUE) == Request.parse(line, CATALOGUE)


@pytest.mark.parametrize("line", EXAMPLES)
def test_the_examples_are_read_with_the_shipped_profiles(line: str) -> None:
    assert Request.parse(line) == autocompress.Request.parse(str(Request.parse(line, CATALOGUE)))


def test_every_shipped_name_finds_its_own_device() -> None:
    devices = library_devices()
    for device, names in devices.names.items():
        for name in names:
            assert Request.parse(f"<80MB, <1s on {name}").device == Request(device=name, size_mb=80).device
        assert Request.parse(f"{device} 80MB, 1s").device == device


def test_fields_are_none_where_not_asked(devices: DeviceNames) -> None:
    request = Request.parse("<80MB on M1", devices)
    asked = {"device": "apple-m1", "size_mb": 80.0}
    fields = {f.name for f in dataclasses.fields(request)} - {"reading"}
    assert {name: getattr(request, name) for name in fields} == dict.fromkeys(fields) | asked


def test_constraints_are_minimums_only_for_similarity_and_mos(devices: DeviceNames) -> None:
    line = "size_mb<=80 latency_s<=1 similarity>=0.8 sid<=0.2 mos>=3.5 cer<=0.1 device=local"
    assert Request.parse(line, devices).constraints == {
        "size_mb": {"max": 80.0},
        "latency_s": {"max": 1.0},
        "similarity": {"min": 0.8},
        "sid": {"max": 0.2},
        "mos": {"min": 3.5},
        "cer": {"max": 0.1},
    }


def test_keyword_arguments_say_the_same_as_the_line(devices: DeviceNames) -> None:
    said = Request(device="Snapdragon 7 Gen3", size_mb=80, latency_s=1, devices=devices)
    assert said == Request.parse("<80MB, <1s on Snapdragon 7 Gen3", devices)
    assert said.device == "snapdragon-7-gen-3"


def test_keyword_arguments_are_refused_with_every_fault_at_once(devices: DeviceNames) -> None:
    with pytest.raises(RequestError) as refusal:
        Request(device="Snapdragon 9", size_mb=-1, mos=6, rtf=float("nan"), cer="5%", devices=devices)  # type: ignore[arg-type]
    for piece in ("Snapdragon 9", "size_mb=-1", "mos=6", "rtf=nan", "cer must be a number"):
        assert piece in str(refusal.value)


@pytest.mark.parametrize("value", [True, "80", 10**400, float("inf"), 0])
def test_a_limit_must_be_a_sensible_number(value: object, devices: DeviceNames) -> None:
    with pytest.raises(RequestError, match="size_mb"):
        Request(device="local", size_mb=value, devices=devices)  # type: ignore[arg-type]


@pytest.mark.parametrize("device", ["", " ", None, 3, "this machine please", "m1, m1"])
def test_a_device_must_be_one_name(device: object, devices: DeviceNames) -> None:
    with pytest.raises(RequestError, match="device"):
        Request(device=device, size_mb=80, devices=devices)  # type: ignore[arg-type]


def test_a_request_without_a_limit_is_refused(devices: DeviceNames) -> None:
    with pytest.raises(RequestError, match="no limit"):
        Request(device="local", devices=devices)


def test_only_text_can_be_parsed(devices: DeviceNames) -> None:
    with pytest.raises(RequestError, match="int"):
        Request.parse(80, devices)  # type: ignore[arg-type]


def test_every_refusal_is_a_user_error_with_exit_code_two() -> None:
    assert issubclass(LineError, AutocompressError)
    assert LineError.exit_code == 2


def test_a_request_is_frozen_hashable_and_travels_between_processes(devices: DeviceNames) -> None:
    request = Request.parse("<60MiB on M1", devices)
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.size_mb = 1.0  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(request))
    assert again == request == copy.deepcopy(request)
    assert again.echo() == request.echo()


# The echo


def test_the_echo_shows_every_limit_in_the_users_units(devices: DeviceNames) -> None:
    echo = Request.parse("骁龙7 Gen3, 60MiB, half a second, 5% CER, MOS 3.5", devices).echo()
    assert echo.splitlines() == [
        "device                      snapdragon-7-gen-3 (骁龙7 Gen3)",
        "size                        at most 60MiB (62.91456 MB)",
        "latency                     at most half a second (0.5 s)",
        "MOS                         at least 3.5",
        "CER (character error rate)  at most 5% (0.05)",
    ]


def test_the_echo_says_plain_values_once(devices: DeviceNames) -> None:
    assert Request.parse("size_mb<=80 device=local", devices).echo() == "device  local\nsize    at most 80 MB"


def test_the_echo_forgets_the_users_words_for_a_changed_limit(devices: DeviceNames) -> None:
    request = dataclasses.replace(Request.parse("<60MiB on M1", devices), size_mb=50, devices=devices)
    assert "at most 50 MB" in request.echo()
    assert "MiB" not in request.echo()


# Files


def _load(folder: Path, text: str, devices: DeviceNames) -> Request:
    path = folder / "request.toml"
    path.write_text(text, encoding="utf-8")
    return Request.load(path, devices)


def test_a_file_says_the_same_as_the_line(tmp_path: Path, devices: DeviceNames) -> None:
    expected = Request.parse("<80MB, <1s, MOS > 3.5 on Snapdragon 7 Gen3", devices)
    fields = 'device = "骁龙7 Gen3"\nsize_mb = 80\nlatency_s = 1.0\nmos = 3.5\n'
    assert _load(tmp_path, fields, devices) == expected
    assert _load(tmp_path, 'line = "<80MB, <1s, MOS > 3.5 on SM7550"', devices) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('device = "local"\nsize_md = 80\nlatenzy_s = 1', "'size_mb'.*'latency_s'"),
        ("size_mb = 80", "device is missing"),
        ('device = "local"', "no limit"),
        ('device = "local"\nsize_mb = "80 MB"', "must be a number"),
        ('line = "<80MB"', "no device"),
        ('line = "<80MB on M1"\nsize_mb = 80', "line"),
        ("line = 80", "one line of text"),
        ("size_mb == 80", "not TOML"),
        ('device = "local"\nreading = 1\nsize_mb = 80', "unknown key 'reading'"),
    ],
)
def test_a_faulty_file_is_refused_with_its_path(
    tmp_path: Path, text: str, message: str, devices: DeviceNames
) -> None:
    with pytest.raises(RequestError, match=f"(?s)request.toml.*{message}"):
        _load(tmp_path, text, devices)


def test_a_missing_file_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        Request.load(tmp_path / "none.toml")


# Weight


def test_reading_a_request_loads_nothing_heavy() -> None:
    heavy = ["torch", "pandas", "scipy", "onnxruntime", "optuna", "plotly"]
    code = (
        f"import sys; from autocompress.request import Request; Request.parse({EXAMPLES[0]!r}); "
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
