"""Profiles: every shipped one is sound; a wrong one is refused with the line of each fault."""

import shutil
from pathlib import Path

import pytest

from autocompress.errors import ProfileError
from autocompress.hardware.library import list_profiles, load_profile
from autocompress.hardware.profile import SCHEMA_VERSION, read_profile
from autocompress.hardware.profile_checks import KINDS
from autocompress.resources import data_folder

SHIPPED = data_folder("hardware_profiles")
FACTS_PAGE = {
    "snapdragon-7-gen-3", "snapdragon-7-plus-gen-3", "snapdragon-8-gen-2", "snapdragon-8-gen-3",
    "snapdragon-8-elite", "snapdragon-6-gen-1", "dimensity-8300", "dimensity-9300", "kirin-9000s",
    "kirin-9010", "apple-a15", "apple-a16", "apple-a17-pro", "apple-m1", "raspberry-pi-4", "raspberry-pi-5",
    "rk3588", "tensor-g3", "snapdragon-w5-plus-gen-1",
}  # fmt: skip


@pytest.fixture
def edited(tmp_path):
    """A copy of the Raspberry Pi 4's profile with one text replaced, and the line where that stands."""

    def edit(old: str, new: str) -> tuple[Path, int]:
        text = (SHIPPED / "raspberry-pi-4.toml").read_text("utf-8")
        assert text.count(old) >= 1
        path = tmp_path / "raspberry-pi-4.toml"
        path.write_text(text.replace(old, new, 1), "utf-8")
        return path, text[: text.index(old)].count("\n") + 1

    return edit


def refusal(path: Path) -> str:
    with pytest.raises(ProfileError) as caught:
        read_profile(path)
    return str(caught.value)


def test_every_device_of_the_facts_page_is_shipped() -> None:
    assert {p.id for p in list_profiles()} >= FACTS_PAGE


@pytest.mark.parametrize("profile", list_profiles(), ids=lambda p: p.id)
def test_every_number_of_a_shipped_profile_has_a_kind_and_a_source(profile) -> None:
    facts = profile.facts()
    assert len(facts) >= 6
    assert all(fact.kind in KINDS and profile.sources[fact.source] for fact in facts.values())
    assert profile.schema_version == SCHEMA_VERSION
    assert profile.names.en and profile.names.zh and profile.runtimes and profile.clusters
    assert profile.path is not None and profile.path.stem == profile.id


def test_the_snapdragon_7_gen_3_says_that_it_is_an_estimate() -> None:
    profile = load_profile("snapdragon-7-gen-3")
    assert "estimate" in profile.note
    assert profile.evidence() == "prior"


def test_big_cores_come_first_and_little_cores_are_left_out() -> None:
    profile = load_profile("snapdragon-7-gen-3")
    assert profile.max_threads() == 4
    rates = profile.peak_per_core_ops("fp32", 4)
    assert rates == pytest.approx((2.63e9 * 16, 2.4e9 * 16, 2.4e9 * 16, 2.4e9 * 16))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("gb_s = { value = 12.8", "gb_s = { value = 0", "must be above zero, found 0"),
        ("clock_ghz = { value = 1.8", "clock_ghz = { value = -1.8", "above zero, found -1.8"),
        ("clock_ghz = { value = 1.8", "clock_ghz = { value = 1800", "check its unit"),
        ("clock_ghz = { value = 1.8", "clock_ghz = { value = nan", "above zero, found nan"),
        ("gb_s = { value = 5.5", "gb_s = { value = 50", "above theoretical_gb_s"),
        ("thread_gb_s = { value = 5", "thread_gb_s = { value = 5.6", "above read_all_threads_gb_s"),
        ("clock_ghz =", "clock_gz =", "nearest known one is 'clock_ghz'"),
        ('"derived", source = "rpi"', '"guessed", source = "rpi"', "measured, derived, prior"),
        ('source = "rpi"', 'source = "rpy"', "nearest known one is 'rpi'"),
        ('role = "big"', 'role = "huge"', "prime, big, little"),
        ('role = "big"', 'role = "little"', "leaves no core"),
        ("cores = 4", "cores = 0", "from 1 to 1024, found 0"),
        ("cores = 4", "cores = 2", "from 1 to 2"),
        ("thermal_factor = { value = 0.9", "thermal_factor = { value = 1.9", "at most 1"),
        ('type = "board"', 'type = "bord"', "board"),
        ("fp32 = {", "fp23 = {", "nearest known one is 'fp32'"),
    ],
)
def test_an_impossible_profile_is_refused_with_its_line(edited, old, new, says) -> None:
    path, line = edited(old, new)
    message = refusal(path)
    assert says in message
    line = {"cores = 2": line_of(path, "default = 4"), 'role = "little"': line_of(path, "policy =")}.get(
        new, line
    )
    assert f"line {line}:" in message or new == "fp23 = {"


def line_of(path: Path, text: str) -> int:
    return next(i for i, line in enumerate(path.read_text("utf-8").splitlines(), start=1) if text in line)


def test_all_faults_are_reported_together(edited) -> None:
    path, _ = edited("clock_ghz = { value = 1.8", "clock_ghz = { value = -1")
    path.write_text(path.read_text("utf-8").replace("theoretical_gb_s", "theoretical_gbs"), "utf-8")
    message = refusal(path)
    assert "faults" in message and "must be above zero" in message and "nearest known one" in message


def test_a_newer_schema_is_refused_before_its_unknown_keys(edited) -> None:
    path, _ = edited("schema_version = 1", "schema_version = 99\nnovelty = 1")
    assert "Update autocompress" in refusal(path)


def test_broken_toml_is_refused_with_its_line(edited) -> None:
    path, line = edited('type = "board"', 'type = "board')
    assert f"line {line}" in refusal(path)


OPERATORS = "family,precision,threads,batch,m,k,n,taps,footprint_bytes,seconds,spread\n"


@pytest.mark.parametrize("slower", [0.0020, 0.0001])
def test_a_profile_whose_table_falls_with_size_is_refused_with_the_line(edited, tmp_path, slower) -> None:
    path, _ = edited('type = "board"', 'type = "board"\ntables = ["table.csv"]')
    rows = f"gemm,fp32,1,1,64,64,64,1,0,0.001,0.01\ngemm,fp32,1,1,128,64,64,1,0,{slower},0.01\n"
    (tmp_path / "table.csv").write_text(OPERATORS + rows, "utf-8")
    if slower > 0.001:
        assert read_profile(path).tables == ("table.csv",)
    else:
        assert "line 3" in refusal(path)


def test_a_table_that_is_not_there_is_refused(edited) -> None:
    path, _ = edited('type = "board"', 'type = "board"\ntables = ["none.csv"]')
    assert "none.csv" in refusal(path)


def test_a_users_own_profile_hides_the_shipped_one(tmp_path, monkeypatch) -> None:
    shutil.copy(SHIPPED / "raspberry-pi-4.toml", tmp_path)
    path = tmp_path / "raspberry-pi-4.toml"
    path.write_text(path.read_text("utf-8").replace("Raspberry Pi 4", "My board", 1), "utf-8")
    shipped = load_profile("raspberry-pi-4").path
    monkeypatch.setenv("AUTOCOMPRESS_PROFILES", str(tmp_path))
    assert load_profile("raspberry-pi-4").path == path != shipped


def test_profiles_in_the_working_folder_are_found(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "hardware_profiles"
    folder.mkdir()
    text = (SHIPPED / "rk3588.toml").read_text("utf-8")
    (folder / "my-board.toml").write_text(text.replace('id = "rk3588"', 'id = "my-board"', 1), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_profile("my-board").path == Path("hardware_profiles/my-board.toml")
