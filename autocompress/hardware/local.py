"""The machine this runs on, as a profile like any other: measured on first use, then kept.

The cache is keyed by CPU, instruction sets, core count, whether 8-bit weights are unsigned, and library
versions: another host of a cloud or a new ONNX Runtime is measured anew.
"""

import math
import os
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from autocompress.hardware.operator_table import read_table
from autocompress.hardware.profile import HardwareProfile, read_profile

if TYPE_CHECKING:
    from autocompress.hardware.profiler.measure import Run

CACHE_VARIABLE = "AUTOCOMPRESS_CACHE"
_OFF_PACE = 1.15  # a quiet machine's interval reaches 1.17 times the median: so far off, predictions leave it
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
    if path.is_file():
        profile = read_profile(path)
        _tell_pace(profile)
    else:
        _measure(folder)
        profile = read_profile(path)
    return replace(profile, aliases=LOCAL_ALIASES)


def _tell_pace(profile: HardwareProfile) -> None:
    """A shared or a hot machine is not as fast as when it was measured; predictions stay those of then.

    They must not change between two runs of a search, but it should not go unsaid.
    """
    from autocompress.hardware.profiler.pace import pace

    path = profile.operator_table()
    table = read_table(path) if path else []
    paces = [pace(table, threads) for threads in sorted({row.threads for row in table})]
    farthest = max(paces, key=lambda ratio: abs(math.log(ratio)), default=1.0)
    if not 1 / _OFF_PACE <= farthest <= _OFF_PACE:
        print(
            f"this machine takes {farthest:.2f} times as long now as when it was measured; predictions are "
            "for then. If that lasts: autocompress devices profile",
            file=sys.stderr,
        )


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
