"""The machine this runs on, as a profile like any other: measured on first use, then kept.

The cache is keyed by CPU, instruction sets, core count and library versions: another host of a cloud or a new
ONNX Runtime is measured anew.
"""

import os
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from autocompress.hardware.profile import HardwareProfile, read_profile

if TYPE_CHECKING:
    from autocompress.hardware.profiler.measure import Run

CACHE_VARIABLE = "AUTOCOMPRESS_CACHE"
_UNSTEADY = 0.1  # of the points: as many stay spread on a shared machine that has nothing else to do
LOCAL_ALIASES = ("this machine", "this computer", "localhost", "本机", "这台机器", "本地")


def cache_folder() -> Path:
    """``$AUTOCOMPRESS_CACHE``, or the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autocompress"


def local_folder() -> Path:
    """Where the profile of this machine lies, with these library versions."""
    from autocompress.hardware.profiler.machine import read_machine
    from autocompress.hardware.profiler.report import machine_key

    return cache_folder() / "devices" / machine_key(read_machine().identity)


def local_profile() -> HardwareProfile:
    """This machine's profile; the first call measures for a minute and says so on stderr."""
    return _local_profile(local_folder())


@lru_cache(maxsize=4)
def _local_profile(folder: Path) -> HardwareProfile:
    path = folder / "local.toml"
    if not path.is_file():
        _measure(folder)
    return replace(read_profile(path), aliases=LOCAL_ALIASES)


def _measure(folder: Path) -> None:
    from autocompress.hardware.profiler.run import QUICK_SECONDS, profile_machine

    print(
        "measuring this machine once (a minute; `autocompress devices profile` does it better) ...",
        file=sys.stderr,
    )
    profile_machine(folder, seconds=QUICK_SECONDS, judge=_warn)


def _warn(run: "Run") -> None:
    """One busy minute would widen every prediction for this machine from now on: it should not go unsaid."""
    if len(run.wide) > _UNSTEADY * len(run.rows):
        print(
            f"{len(run.wide)} of {len(run.rows)} measurements swung by more than 10 %: something else uses "
            "this machine; predictions for it are less sure. When it is quiet: autocompress devices profile",
            file=sys.stderr,
        )
