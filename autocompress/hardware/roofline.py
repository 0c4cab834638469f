"""The latency model: max(work / (efficiency × peak), bytes / (efficiency × bandwidth)) + dispatch.

Williams, Waterman, Patterson: Roofline (CACM 52(4), 2009), an operator at a time. Efficiencies are functions
of kernel family, shape, precision and threads; a device enters by its peaks and bandwidths alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autocompress.hardware.operators import (
    PRECISIONS,
    Column,
    OperatorColumns,
)
from autocompress.hardware.profile import HardwareProfile


@dataclass(frozen=True)
class Kernel:
    """How well one family uses the arithmetic: ``top`` for a large shape, half of it at ``half_m``, k, n."""

    top: float
    half_m: float
    half_k: float
    half_n: float

    def efficiency(self, m: Column, k: Column, n: Column) -> Column:
        """Share of the peak that a matrix product m × k × n reaches on one core, each [rows]."""
        return self.top * (m / (m + self.half_m)) * (k / (k + self.half_k)) * (n / (n + self.half_n))


@dataclass(frozen=True)
class Efficiencies:
    """Everything of the model that is no fact about the device; ``priors.py`` says where each comes from."""

    kernels: dict[int, Kernel]
    bandwidth: float  # share of the effective read bandwidth that a kernel reaches
    cache_bandwidth_bytes_per_cycle: float  # of one core, when the data stays in the caches
    dispatch_cycles: float  # of one operator, one thread
    dispatch_cycles_per_thread: float  # more for every further thread
    serial_share: float  # share of a kernel's work that does not run in parallel (Amdahl)
    log_sigma: float  # width of an estimate, from validation on other devices


@dataclass(frozen=True)
class Machine:
    """A device at a number of threads, in the units of the formula."""

    n_threads: int
    clock_hz: float
    peak_ops: Column  # operations a second of one core, by PRECISIONS
    parallel_cores: float  # sum of the cores' speeds over the speed of the first
    memory_bytes_s: float
    cache_bytes: float
    dispatch_scale: float = 1.0

    @classmethod
    def of(cls, profile: HardwareProfile, n_threads: int | None = None) -> "Machine":
        """The machine that a profile describes, at its default number of threads unless told."""
        threads = min(n_threads or profile.threads.default, profile.max_threads())
        rates = profile.peak_per_core_ops("fp32", threads)
        first = profile.big_clusters()[0]
        return cls(
            n_threads=threads,
            clock_hz=first.clock_ghz.value * 1e9,
            peak_ops=np.array([_peak(profile, precision) for precision in PRECISIONS]),
            parallel_cores=sum(rates) / rates[0],
            memory_bytes_s=_bandwidth(profile, threads),
            cache_bytes=_cache_bytes(profile),
        )


def _peak(profile: HardwareProfile, precision: str) -> float:
    """Of one core. What it has no arithmetic for runs in fp32; int4 weights are widened and run in fp32."""
    name = precision if precision != "int4" and profile.computes(precision) else "fp32"
    if name == "int8" and profile.computes("int8_mm"):
        name = "int8_mm"
    return profile.peak_per_core_ops(name, 1)[0]


def _bandwidth(profile: HardwareProfile, n_threads: int) -> float:
    """From one thread to all: half of what is missing is gained with each further thread."""
    one = profile.memory.read_1_thread_gb_s.value
    every = profile.memory.read_all_threads_gb_s.value
    return (every - (every - one) * 0.5 ** (n_threads - 1)) * 1e9


def _cache_bytes(profile: HardwareProfile) -> float:
    """The largest cache that the cores share, as far as it is known."""
    memory, first = profile.memory, profile.big_clusters()[0]
    known = [fact.value * 1024 for fact in (first.l2_kib, memory.l3_kib, memory.slc_kib) if fact]
    return max(known, default=256 * 1024.0)


def operator_seconds(ops: OperatorColumns, machine: Machine, efficiencies: Efficiencies) -> Column:
    """Seconds of each row (all its repetitions), shape [rows]."""
    compute = ops.work / (compute_rate(ops, machine, efficiencies))
    memory = ops.bytes / memory_rate(ops, machine, efficiencies)
    return ops.count * (np.maximum(compute, memory) + dispatch_s(machine, efficiencies))


def compute_rate(ops: OperatorColumns, machine: Machine, efficiencies: Efficiencies) -> Column:
    """Operations a second that each operator reaches, were all its data at hand; shape [rows]."""
    share = np.ones(len(ops))
    for family, kernel in efficiencies.kernels.items():
        rows = ops.family == family
        share[rows] = kernel.efficiency(ops.m[rows], ops.k[rows], ops.n[rows])
    return share * machine.peak_ops[ops.precision] * speed_up(machine, efficiencies)


def speed_up(machine: Machine, efficiencies: Efficiencies) -> float:
    """Amdahl's law over the cores in use."""
    serial = efficiencies.serial_share
    return 1.0 / (serial + (1.0 - serial) / machine.parallel_cores)


def memory_rate(ops: OperatorColumns, machine: Machine, efficiencies: Efficiencies) -> Column:
    """Bytes a second: the caches' for what fits in them, the memory's for the rest; shape [rows]."""
    cache = efficiencies.cache_bandwidth_bytes_per_cycle * machine.clock_hz * machine.n_threads
    fits = ops.bytes <= machine.cache_bytes
    return np.where(fits, cache, efficiencies.bandwidth * machine.memory_bytes_s)


def dispatch_s(machine: Machine, efficiencies: Efficiencies) -> float:
    """Seconds to start one operator."""
    cycles = efficiencies.dispatch_cycles + efficiencies.dispatch_cycles_per_thread * (machine.n_threads - 1)
    return machine.dispatch_scale * cycles / machine.clock_hz


def total_seconds(
    ops: OperatorColumns, candidate: NDArray[np.int64], n_candidates: int, seconds: Column
) -> Column:
    """Seconds of each candidate when row i belongs to candidate[i]; shape [n_candidates]."""
    totals: Column = np.bincount(candidate, weights=seconds, minlength=n_candidates).astype(np.float64)
    return totals
