"""What is known about a device: :class:`HardwareProfile`, read from ``hardware_profiles/*.toml``.

Every number is a :class:`Fact`: its value, whether it was measured, derived or is a prior, and its source.
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autocompress.errors import ProfileError
from autocompress.hardware.operator_table import is_operator_table
from autocompress.hardware.operator_table import read_table as read_operator_table
from autocompress.hardware.profile_checks import check_profile
from autocompress.hardware.strict_toml import Faults, read_table

SCHEMA_VERSION = 1
PRECISIONS = ("fp32", "fp16", "bf16", "int8", "int8_mm")


@dataclass(frozen=True)
class Fact:
    """A number and where it comes from.

    ``kind`` is ``measured`` (somebody measured it: the source), ``derived`` (stated by or computed from the
    source) or ``prior`` (general knowledge, not looked up). ``source`` is a key of ``[sources]``.
    """

    value: float
    kind: str
    source: str


@dataclass(frozen=True)
class Names:
    """What to call the device."""

    en: str
    zh: str = ""


@dataclass(frozen=True)
class Cluster:
    """Cores of one kind. ``peak_per_cycle`` counts operations (a multiply-add is two) per core and cycle."""

    core: str
    role: str  # "prime", "big" or "little"
    cores: int
    clock_ghz: Fact
    peak_per_cycle: dict[str, Fact]
    l2_kib: Fact | None = None  # of one core, or of the whole cluster when l2_shared
    l2_shared: bool = False


@dataclass(frozen=True)
class Memory:
    """Main memory and the shared caches in front of it; bandwidth in units of 10^9 bytes a second."""

    type: str
    theoretical_gb_s: Fact
    read_1_thread_gb_s: Fact
    read_all_threads_gb_s: Fact
    l3_kib: Fact | None = None
    slc_kib: Fact | None = None
    capacity_gib: Fact | None = None


@dataclass(frozen=True)
class Accelerator:
    """A GPU or NPU."""

    name: str
    type: str  # "gpu" or "npu"
    tops: Fact | None = None
    note: str = ""


@dataclass(frozen=True)
class Runtime:
    """A runtime and its execution providers, the one to try first in front."""

    name: str
    providers: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Threads:
    """``policy`` names the cores to run on (``big-cores`` or ``all-cores``); ``default`` how many threads."""

    policy: str
    default: int
    note: str = ""


@dataclass(frozen=True)
class Calibration:
    """What whole-model runs on the device say of its estimate: factors on its times, and the width left.

    ``compute``, ``memory`` and ``dispatch`` multiply the seconds that are bound by each.
    """

    compute: Fact
    memory: Fact
    dispatch: Fact
    log_sigma: Fact
    n_runs: int


@dataclass(frozen=True)
class HardwareProfile:
    """One device, as read from its file."""

    schema_version: int
    id: str
    type: str  # "phone", "tablet", "laptop", "board", "watch", "desktop" or "server"
    names: Names
    clusters: tuple[Cluster, ...]
    isa: tuple[str, ...]
    memory: Memory
    runtimes: tuple[Runtime, ...]
    threads: Threads
    thermal_factor: Fact  # sustained speed over peak speed, in (0, 1]
    sources: dict[str, str]
    aliases: tuple[str, ...] = ()
    products: tuple[str, ...] = ()  # phones and boards that carry it
    accelerators: tuple[Accelerator, ...] = ()
    benchmarks: dict[str, Fact] = field(default_factory=dict)
    tables: tuple[str, ...] = ()  # CSV files of measured latencies beside this file
    calibration: Calibration | None = None
    note: str = ""
    path: Path | None = field(default=None, compare=False, metadata={"toml": False})

    def operator_table(self) -> Path | None:
        """The measured operator table beside the file; ``None`` when the device was never profiled."""
        beside = [self.path.parent / name for name in self.tables] if self.path else []
        return next((table for table in beside if is_operator_table(table)), None)

    def big_clusters(self) -> tuple[Cluster, ...]:
        """The clusters that the thread policy uses, fastest first."""
        usable = [c for c in self.clusters if self.threads.policy == "all-cores" or c.role != "little"]
        return tuple(sorted(usable, key=lambda c: -c.clock_ghz.value * c.peak_per_cycle["fp32"].value))

    def peak_per_core_ops(self, precision: str, n_threads: int) -> tuple[float, ...]:
        """Peak operations a second of each core that the threads occupy, fastest first; [n_threads]."""
        rates = [
            c.clock_ghz.value * 1e9 * c.peak_per_cycle[precision].value
            for c in self.big_clusters()
            if precision in c.peak_per_cycle
            for _ in range(c.cores)
        ]
        return tuple(rates[:n_threads])

    def max_threads(self) -> int:
        """How many threads the policy has cores for."""
        return sum(c.cores for c in self.big_clusters())

    def computes(self, precision: str) -> bool:
        """Whether every core that work runs on has arithmetic of this precision."""
        return all(precision in c.peak_per_cycle for c in self.big_clusters())

    def facts(self) -> Mapping[str, Fact]:
        """Every number of the profile by its dotted name."""
        return dict(_walk_facts("", self))

    def evidence(self) -> str:
        """The weakest kind that the speed rests on: ``measured``, ``derived`` or ``prior``."""
        kinds = {f.kind for name, f in self.facts().items() if name.startswith(("clusters", "memory.read"))}
        return next(k for k in ("prior", "derived", "measured") if k in kinds)


def _walk_facts(prefix: str, value: object) -> list[tuple[str, Fact]]:
    if isinstance(value, Fact):
        return [(prefix, value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    elif isinstance(value, tuple):
        value = {str(i): item for i, item in enumerate(value)}
    if not isinstance(value, dict):
        return []
    return [found for k, v in value.items() for found in _walk_facts(f"{prefix}.{k}".lstrip("."), v)]


def read_profile(path: Path) -> HardwareProfile:
    """Read one profile; raises :class:`ProfileError` with every fault and its line."""
    try:
        text = path.read_text("utf-8")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"hardware profile {path} cannot be read: {error}. Correct the file.") from error
    _refuse_other_version(path, table.get("schema_version"))
    faults = Faults()
    profile = read_table(HardwareProfile, table, (), faults)
    check_profile(table, faults)
    if faults or profile is None:
        raise ProfileError(_describe(path, faults.lines(text)))
    _check_tables(path, profile)
    return dataclasses.replace(profile, path=path)


def _check_tables(path: Path, profile: HardwareProfile) -> None:
    """Every table that a profile names is there, and an operator table holds only possible rows."""
    for name in profile.tables:
        table = path.parent / name
        if not table.is_file():
            raise ProfileError(
                f"hardware profile {path} names the table {name!r}, which is not beside it. Add it."
            )
        if is_operator_table(table):
            read_operator_table(table)


def _refuse_other_version(path: Path, version: object) -> None:
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise ProfileError(
            f"hardware profile {path} has schema_version {version}; this version of autocompress reads up to "
            f"{SCHEMA_VERSION}. Update autocompress."
        )


def _describe(path: Path, lines: list[str]) -> str:
    count = f"{len(lines)} fault{'s' * (len(lines) > 1)}"
    return f"hardware profile {path} has {count}; correct them:\n" + "\n".join(f"  {line}" for line in lines)
