"""Finds profiles: by id, or by whatever a person calls the device, in English or Chinese."""

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from autocompress.errors import ProfileError
from autocompress.hardware.local import LOCAL_ALIASES, local_profile
from autocompress.hardware.profile import HardwareProfile, read_profile
from autocompress.resources import data_folder

PROFILES_VARIABLE = "AUTOCOMPRESS_PROFILES"
LOCAL = "local"  # this machine, measured on first use
_N_SUGGESTIONS = 3

# Brand words that people put or leave out, and Chinese names of what English names too.
_DROPPED = (
    "高通", "联发科技", "联发科", "海思", "华为", "苹果", "谷歌", "三星", "瑞芯微", "移动平台", "处理器",
    "芯片", "手机", "开发板", "qualcomm", "mediatek", "hisilicon", "huawei", "apple", "google", "samsung",
    "rockchip", "mobileplatform", "platform", "processor", "chipset", "soc",
)  # fmt: skip
_TRANSLATED = {
    "骁龙": "snapdragon", "天玑": "dimensity", "麒麟": "kirin", "树莓派": "raspberrypi", "荣耀": "honor",
    "小米": "xiaomi", "红米": "redmi", "一加": "oneplus", "真我": "realme", "摩托罗拉": "motorola",
    "香橙派": "orangepi", "索尼": "sony", "努比亚": "nubia", "至尊版": "elite", "plus": "+", "＋": "+",
}  # fmt: skip
_DIGITS = {"一": "1", "二": "2", "两": "2", "三": "3", "四": "4", "五": "5", "六": "6"}
_WORDS = {
    "first": "1",
    "second": "2",
    "third": "3",
    "fourth": "4",
    "1st": "1",
    "2nd": "2",
    "3rd": "3",
    "4th": "4",
}


@lru_cache(maxsize=8192)
def canonical(text: str) -> str:
    """One spelling for all ways to write a name: case, width, spaces, brand words, 第三代 and "3rd gen"."""
    text = re.sub(r"[®™]|\((?:r|tm)\)", "", text, flags=re.IGNORECASE)  # before NFKC, which spells ™ as "tm"
    key = unicodedata.normalize("NFKC", text).casefold()
    for word, digit in _WORDS.items():
        key = re.sub(rf"\b{word}[\s-]*gen(?:eration)?\b", f"gen{digit}", key)
    key = re.sub(r"第?([一二两三四五六1-6])代", lambda m: f"gen{_DIGITS.get(m[1], m[1])}", key)
    key = re.sub(r"[\s_\-–·.,/()\[\]'\"’“”]+", "", key)
    for word in _DROPPED:
        key = key.replace(word, "")
    for word, english in _TRANSLATED.items():
        key = key.replace(word, english)
    key = key.replace("generation", "gen")
    key = re.sub(r"^gen([1-6])(.+)$", r"\2gen\1", key)  # 第三代骁龙7 → snapdragon7gen3
    return re.sub(r"^(?:sd|snapdragon)?(\d\+?s?)(?:g|gen)(\d)$", r"snapdragon\1gen\2", key)


def profile_folders(extra_dirs: Iterable[Path] = ()) -> list[Path]:
    """Where profiles are looked for, first one first: given, $AUTOCOMPRESS_PROFILES, ``./``, the shipped."""
    named = os.environ.get(PROFILES_VARIABLE, "")
    user = [Path(part) for part in named.split(os.pathsep) if part]
    folders = [*extra_dirs, *user, Path("hardware_profiles"), data_folder("hardware_profiles")]
    unique = {folder.resolve(): folder for folder in reversed(folders) if folder.is_dir()}
    return list(reversed(unique.values()))


@lru_cache(maxsize=512)
def _read(path: Path, _changed_ns: int) -> HardwareProfile:
    return read_profile(path)


def _read_cached(path: Path) -> HardwareProfile:
    return _read(path, path.stat().st_mtime_ns)


def list_profiles(extra_dirs: Iterable[Path] = ()) -> list[HardwareProfile]:
    """Every profile, one an id, sorted by id; a user's file hides a shipped one of the same id."""
    found: dict[str, HardwareProfile] = {}
    for folder in profile_folders(extra_dirs):
        for path in sorted(folder.glob("*.toml")):
            profile = _read_cached(path)
            found.setdefault(profile.id, profile)
    return [found[key] for key in sorted(found)]


def load_profile(device_id: str, extra_dirs: Iterable[Path] = ()) -> HardwareProfile:
    """The profile with this id; raises :class:`ProfileError` naming the nearest three."""
    try:
        profiles = list_profiles(extra_dirs)
    except ProfileError:
        alone = _read_alone(device_id, extra_dirs)
        if alone is None:
            raise
        return alone
    for profile in profiles:
        if profile.id == device_id:
            return profile
    if device_id == LOCAL:
        return local_profile()
    raise _unknown(device_id, profiles)


def _read_alone(device_id: str, extra_dirs: Iterable[Path]) -> HardwareProfile | None:
    """The profile in a file of its own name, when another one beside it is broken."""
    for folder in profile_folders(extra_dirs):
        path = folder / f"{device_id}.toml"
        if path.is_file() and (profile := _read_cached(path)).id == device_id:
            return profile
    return None


def names_of(profile: HardwareProfile) -> tuple[str, ...]:
    """Everything that a profile can be called."""
    own = (profile.id, profile.names.en, profile.names.zh)
    return tuple(name for name in (*own, *profile.aliases, *profile.products) if name)


def find_device(text: str, extra_dirs: Iterable[Path] = ()) -> HardwareProfile:
    """The profile that a person means: id, name, alias, chip number, phone or board model.

    Only a whole name counts: "8s Gen 3" is not "8 Gen 3". Raises :class:`ProfileError` naming
    the nearest three.
    """
    profiles = list_profiles(extra_dirs)
    wanted = canonical(text)
    for profile in profiles:
        if wanted and wanted in {canonical(name) for name in names_of(profile)}:
            return profile
    if wanted in {canonical(name) for name in (LOCAL, *LOCAL_ALIASES)}:
        return local_profile()
    raise _unknown(text, profiles)


def nearest_devices(text: str, profiles: Sequence[HardwareProfile]) -> list[HardwareProfile]:
    """The three profiles of which some name resembles the text most, the nearest first."""
    wanted = canonical(text)

    def likeness(profile: HardwareProfile) -> float:
        return max(difflib.SequenceMatcher(None, wanted, canonical(n)).ratio() for n in names_of(profile))

    return sorted(profiles, key=lambda p: -likeness(p))[:_N_SUGGESTIONS]


def _unknown(text: str, profiles: Sequence[HardwareProfile]) -> ProfileError:
    near = ", ".join(f"{p.names.en} ({p.id})" for p in nearest_devices(text, profiles)) or "none"
    return ProfileError(
        f"unknown device {text!r}. Nearest profiles: {near}. "
        "Choose one (autocompress devices list), or add its profile to ./hardware_profiles."
    )
