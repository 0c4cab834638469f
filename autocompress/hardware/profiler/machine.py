"""What the machine says about itself: CPU, cores, caches, governor, affinity, temperature."""

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autocompress.hardware.profiler.int8_weights import sums_overflow

_SYS_CPU = Path("/sys/devices/system/cpu")
_ISA = {
    "avx2": "avx2", "avx512f": "avx512", "avx512_vnni": "avx512-vnni", "avx_vnni": "avx-vnni",
    "amx_int8": "amx-int8", "asimd": "neon", "asimdhp": "fp16", "asimddp": "dotprod", "i8mm": "i8mm",
    "bf16": "bf16", "sve": "sve", "sme": "sme",
}  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """Facts that name a machine and explain its speed; what it does not tell is ``None`` or empty."""

    cpu: str
    architecture: str
    cores: int
    big_cores: int
    clock_ghz: float | None
    l2_kib: int | None
    l3_kib: int | None
    memory_gib: float | None
    isa: tuple[str, ...]
    governor: str
    affinity: tuple[int, ...]
    versions: tuple[str, ...]
    unsigned_int8_weights: bool

    @property
    def name(self) -> str:
        """The CPU with its instruction sets: clouds give hosts of several generations one CPU name."""
        return f"{self.cpu} ({' '.join(self.isa)})" if self.isa else self.cpu

    @property
    def identity(self) -> str:
        """One text that changes when the CPU, its core count, its 8-bit weights or the libraries change."""
        weights = ["unsigned int8 weights"] if self.unsigned_int8_weights else []
        return " | ".join([self.name, self.architecture, f"{self.cores} cores", *weights, *self.versions])


def read_machine() -> Machine:
    """Read everything from ``/proc`` and ``/sys`` where there are such; works without either."""
    import numpy
    import onnxruntime

    info = _text(Path("/proc/cpuinfo"))
    affinity = allowed_cpus()
    return Machine(
        cpu=_cpu_name(info),
        architecture=platform.machine(),
        cores=len(affinity),
        big_cores=_big_cores(affinity),
        clock_ghz=_clock_ghz(info),
        l2_kib=_cache_kib(2),
        l3_kib=_cache_kib(3),
        memory_gib=_memory_gib(),
        isa=_isa(info),
        governor=_text(_SYS_CPU / "cpu0/cpufreq/scaling_governor").strip() or "unknown",
        affinity=affinity,
        versions=(f"onnxruntime {onnxruntime.__version__}", f"numpy {numpy.__version__}"),
        unsigned_int8_weights=sums_overflow(),
    )


def temperature_c() -> float | None:
    """The hottest readable thermal zone, in degrees Celsius; ``None`` where none can be read."""
    readings = [_text(path).strip() for path in Path("/sys/class/thermal").glob("thermal_zone*/temp")]
    degrees = [int(text) / 1000 for text in readings if text.lstrip("-").isdigit()]
    return max(degrees, default=None)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def allowed_cpus() -> tuple[int, ...]:
    """Numbers of the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def _cpu_name(info: str) -> str:
    for key in ("model name", "Hardware", "Model", "CPU part"):
        if found := re.search(rf"^{key}\s*:\s*(.+)$", info, flags=re.MULTILINE):
            return found[1].strip()
    return platform.processor() or platform.machine()


def _big_cores(affinity: Iterable[int]) -> int:
    """Cores whose highest clock is within a quarter of the fastest one's; all where clocks are not told."""
    texts = [_text(_SYS_CPU / f"cpu{core}/cpufreq/cpuinfo_max_freq").strip() for core in affinity]
    clocks = [int(text) for text in texts if text.isdigit()]
    if not clocks:
        return len(texts)
    return sum(clock >= 0.75 * max(clocks) for clock in clocks)


def _clock_ghz(info: str) -> float | None:
    text = _text(_SYS_CPU / "cpu0/cpufreq/cpuinfo_max_freq").strip()
    if text.isdigit():
        return int(text) / 1e6
    found = re.findall(r"^cpu MHz\s*:\s*([\d.]+)", info, flags=re.MULTILINE)
    return max(float(mhz) for mhz in found) / 1000 if found else None


def _cache_kib(level: int) -> int | None:
    for folder in sorted((_SYS_CPU / "cpu0/cache").glob("index*")):
        size = _text(folder / "size").strip()
        if _text(folder / "level").strip() == str(level) and (found := re.fullmatch(r"(\d+)([KM])", size)):
            return int(found[1]) * (1024 if found[2] == "M" else 1)
    return None


def _memory_gib() -> float | None:
    found = re.search(r"MemTotal:\s+(\d+) kB", _text(Path("/proc/meminfo")))
    return round(int(found[1]) / 2**20, 1) if found else None


def _isa(info: str) -> tuple[str, ...]:
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", info, flags=re.MULTILINE)
    flags = set(found[1].split()) if found else set()
    return tuple(name for flag, name in _ISA.items() if flag in flags)
