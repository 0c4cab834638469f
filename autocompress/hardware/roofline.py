"""The latency model: max(work / (efficiency × peak), bytes / (efficiency × bandwidth)) + dispatch.

Williams, Waterman, Patterson: Roofline (CACM 52(4), 2009), an operator at a time. Efficiencies are functions
of kernel family, shape, precision and threads; a device enters by its peaks and bandwidths alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autocompress.hardware.operators import MOVE, PRECISIONS, Codes, Column, OperatorColumns
from autocompress.hardware.profile import HardwareProfile

KernelKey = tuple[int, str]  # a family's code and one of PRECISIONS


@dataclass(frozen=True)
class Kernel:
    """How well one family at one precision uses the arithmetic.

    ``top`` is the share of the peak that a large shape reaches on one core, ``half_m``, ``half_k`` and
    ``half_n`` the sizes at which half of it is left (filling and emptying registers, copying the input into
    rows). ``serial`` is the share of its work that one thread does alone (Amdahl).
    """

    top: float
    half_m: float
    half_k: float
    half_n: float
    serial: float

    def efficiency(self, m: Column, k: Column, n: Column) -> Column:
        """Share of one core's peak that a product m × k × n reaches, each [rows]."""
        return self.top * (m / (m + self.half_m)) * (k / (k + self.half_k)) * (n / (n + self.half_n))

    def speed_up(self, parallel_cores: float) -> float:
        """Against one core."""
        return 1.0 / (self.serial + (1.0 - self.serial) / parallel_cores)


@dataclass(frozen=True)
class Efficiencies:
    """Everything of the model that is no fact about the device; ``priors.py`` says where each comes from."""

    kernels: Mapping[KernelKey, Kernel]
    move_operations_per_cycle: float  # of one core, for work that is not a product of matrices
    weight_bandwidth: float  # share of the device's read bandwidth that weights come in at
    bandwidth: float  # the same for activations, which are written too
    cache_bytes_per_cycle: float  # of one core, for data that stays in the caches
    dispatch_cycles: float  # to start one operator
    dispatch_cycles_per_thread: float  # more for each further thread
    log_sigma: float  # width of an estimate: errors on voices and devices left out of the fit


@dataclass(frozen=True)
class Machine:
    """A device at a number of threads, in the units of the formula."""

    n_threads: int
    clock_hz: float
    peak_ops: Column  # operations a second of the first core, by PRECISIONS
    parallel_cores: float  # sum of the cores' speeds over the speed of the first
    memory_bytes_s: float
    cache_bytes: float

    @classmethod
    def of(cls, profile: HardwareProfile, n_threads: int | None = None) -> "Machine":
        """The machine that a profile describes, at its default number of threads unless told."""
        threads = min(n_threads or profile.threads.default, profile.max_threads())
        rates = profile.peak_per_core_ops("fp32", threads)
        return cls(
            n_threads=threads,
            clock_hz=profile.big_clusters()[0].clock_ghz.value * 1e9,
            peak_ops=np.array([_peak(profile, precision) for precision in PRECISIONS]),
            parallel_cores=sum(rates) / rates[0],
            memory_bytes_s=_bandwidth(profile, threads),
            cache_bytes=_cache_bytes(profile),
        )


_I8MM_GAIN = 1.33  # over dot products, end to end, BERT and GPT-2: onnxruntime#17160


def _peak(profile: HardwareProfile, precision: str) -> float:
    """Of one core under ONNX Runtime's CPU provider, which widens half precision and stored-only integers."""
    if precision not in ("int8", "int8_dynamic") or not profile.computes("int8"):
        return profile.peak_per_core_ops("fp32", 1)[0]
    gain = _I8MM_GAIN if profile.computes("int8_mm") else 1.0
    return gain * profile.peak_per_core_ops("int8", 1)[0]


def _bandwidth(profile: HardwareProfile, n_threads: int) -> float:
    """From one thread to all: each further thread brings half of what is still missing."""
    one = profile.memory.read_1_thread_gb_s.value
    every = profile.memory.read_all_threads_gb_s.value
    return (every - (every - one) * 0.5 ** (n_threads - 1)) * 1e9


_UNKNOWN_CACHE_BYTES = 512 * 1024.0  # no smaller last-level cache is known of any application core


def _cache_bytes(profile: HardwareProfile) -> float:
    """The largest cache that is known."""
    memory, first = profile.memory, profile.big_clusters()[0]
    known = [fact.value * 1024 for fact in (first.l2_kib, memory.l3_kib, memory.slc_kib) if fact]
    return max(known, default=_UNKNOWN_CACHE_BYTES)


@dataclass(frozen=True)
class Cost:
    """Seconds of one execution of each row, by what bounds it; each [rows]."""

    compute_s: Column
    memory_s: Column
    dispatch_s: float

    @property
    def seconds(self) -> Column:
        """The roofline: the slower of the two, and the start."""
        return np.maximum(self.compute_s, self.memory_s) + self.dispatch_s


def cost(
    ops: OperatorColumns,
    machine: Machine,
    efficiencies: Efficiencies,
    footprint_bytes: "float | Column" = math.inf,
) -> Cost:
    """What each operator costs.

    ``footprint_bytes`` is what the whole graph touches in a run, a number or [rows]: weights stay cached
    from run to run only when all of it fits.
    """
    return Cost(
        ops.work / _compute_rate(ops, machine, efficiencies),
        _memory_s(ops, machine, efficiencies, footprint_bytes),
        dispatch_s(machine, efficiencies),
    )


def operator_seconds(
    ops: OperatorColumns,
    machine: Machine,
    efficiencies: Efficiencies,
    footprint_bytes: "float | Column" = math.inf,
) -> Column:
    """Seconds of each row with all its repetitions, [rows]."""
    return ops.count * cost(ops, machine, efficiencies, footprint_bytes).seconds


def _compute_rate(ops: OperatorColumns, machine: Machine, efficiencies: Efficiencies) -> Column:
    """Operations a second that each operator reaches, were all its data at hand; [rows]."""
    plain = efficiencies.move_operations_per_cycle * machine.clock_hz * machine.parallel_cores
    rate = np.full(len(ops), plain)
    for key, rows in _groups(ops):
        kernel = efficiencies.kernels.get(key) or efficiencies.kernels.get((key[0], "fp32"))
        if kernel is not None:
            share = kernel.efficiency(ops.m[rows], ops.k[rows], ops.n[rows])
            peak = machine.peak_ops[ops.precision[rows]]
            rate[rows] = share * peak * kernel.speed_up(machine.parallel_cores)
    return rate


def _groups(ops: OperatorColumns) -> "list[tuple[KernelKey, NDArray[np.intp]]]":
    """Rows by family and precision, data movers left out."""
    codes = ops.family * len(PRECISIONS) + ops.precision
    kinds = [int(code) for code in np.unique(codes[ops.family != MOVE])]
    keys = [(code // len(PRECISIONS), PRECISIONS[code % len(PRECISIONS)]) for code in kinds]
    return [(key, np.flatnonzero(codes == code)) for key, code in zip(keys, kinds, strict=True)]


def _memory_s(
    ops: OperatorColumns, machine: Machine, efficiencies: Efficiencies, footprint_bytes: "float | Column"
) -> Column:
    """Seconds of traffic: weights and activations each from the cache or from memory; [rows]."""
    cached = efficiencies.cache_bytes_per_cycle * machine.clock_hz * machine.n_threads
    cache = max(cached, machine.memory_bytes_s)  # no cache is slower than the memory behind it
    activations = ops.bytes - ops.weight_bytes
    far_weights = np.where(np.less_equal(footprint_bytes, machine.cache_bytes), 0.0, ops.weight_bytes)
    far_activations = np.where(activations <= machine.cache_bytes, 0.0, activations)
    far = far_weights / efficiencies.weight_bandwidth + far_activations / efficiencies.bandwidth
    return far / machine.memory_bytes_s + (ops.bytes - far_weights - far_activations) / cache


def dispatch_s(machine: Machine, efficiencies: Efficiencies) -> float:
    """Seconds to start one operator."""
    more = efficiencies.dispatch_cycles_per_thread * (machine.n_threads - 1)
    return (efficiencies.dispatch_cycles + more) / machine.clock_hz


def total_seconds(candidate: Codes, n_candidates: int, seconds: Column) -> Column:
    """Seconds of each candidate when row i belongs to candidate[i]; [n_candidates]."""
    return np.bincount(candidate, weights=seconds, minlength=n_candidates).astype(np.float64)
