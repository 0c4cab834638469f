"""What a bundle measures on this machine: latency by component, size by file, peak memory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autocompress.bundle.graphs import GraphSettings
from autocompress.bundle.manifest import MANIFEST, VOICES, Claim, Manifest
from autocompress.bundle.memory import MemoryUse, measure_memory
from autocompress.bundle.runtime import Bundle
from autocompress.bundle.workload import AUDIO_S, Times, run_rounds
from autocompress.hardware.profiler.machine import read_machine
from autocompress.objectives import Measurement

BYTES_PER_MB = 1_000_000
COMPONENTS = ("text_s", "prefill_s", "steps_s", "vocoder_s")


@dataclass(frozen=True)
class BundleSize:
    """Bytes by file, counted (what speaking needs) and apart (the voice store)."""

    counted: tuple[tuple[str, int], ...]
    apart: tuple[tuple[str, int], ...]

    @property
    def size_mb(self) -> float:
        return sum(size for _, size in self.counted) / BYTES_PER_MB


@dataclass(frozen=True)
class BundleMeasurements:
    """Measurements by their quantity's key; ``components`` splits the latency, ``times`` are the rounds."""

    by_key: dict[str, Measurement]
    components: dict[str, Measurement]
    size: BundleSize
    memory: MemoryUse
    times: tuple[Times, ...]
    machine: str
    threads: int
    seed: int

    def claims(self, command: str = "") -> tuple[Claim, ...]:
        """Every measurement as a claim with its provenance."""
        versions = machine_versions()
        return tuple(
            Claim.of(
                one,
                machine=self.machine,
                threads=self.threads,
                seed=self.seed,
                versions=versions,
                command=command,
            )
            for one in self.by_key.values()
        )


def measure_bundle(
    folder: str | Path, *, threads: int = 0, rounds: int = 7, seed: int = 0
) -> BundleMeasurements:
    """Measure the bundle at ``folder`` by ``rounds`` rounds of the reference workload."""
    folder = Path(folder)
    memory = measure_memory(folder, threads)
    bundle = Bundle.load(folder, GraphSettings(threads))
    times = tuple(run_rounds(bundle, rounds, seed))
    size = measure_size(folder, bundle.manifest)
    latency = interval("latency_s", [one.latency_s for one in times])
    return BundleMeasurements(
        by_key={
            "size_mb": Measurement.exact("size_mb", size.size_mb),
            "latency_s": latency,
            "rtf": interval("rtf", [one.latency_s / AUDIO_S for one in times]),
            "first_audio_s": interval("first_audio_s", [one.first_audio_s for one in times]),
            "memory_mb": interval("memory_mb", [memory.speaking_bytes / BYTES_PER_MB]),
        },
        components={key: interval(key, [getattr(one, key) for one in times]) for key in COMPONENTS},
        size=size,
        memory=memory,
        times=times,
        machine=read_machine().name,
        threads=threads,
        seed=seed,
    )


def measure_size(folder: Path, manifest: Manifest) -> BundleSize:
    """Every file that the manifest names, and itself; the voice store is apart: it grows with its voices."""
    counted = [MANIFEST, *(file.path for file in manifest.files)]
    sizes = tuple((path, (folder / path).stat().st_size) for path in counted)
    return BundleSize(sizes, ((VOICES, (folder / VOICES).stat().st_size),))


def interval(key: str, values: Sequence[float], confidence: float = 0.9) -> Measurement:
    """The median, and the order statistics that cover it at ``confidence``, whatever the distribution.

    P(x_(k) <= median <= x_(n+1-k)) = 1 - 2 P(Binomial(n, 1/2) < k); all values where n is too small for it.
    """
    ordered, n = sorted(values), len(values)
    middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    outside, k = 2.0 / 2**n, 1
    while k < n // 2 and outside + 2 * math.comb(n, k) / 2**n <= 1 - confidence:
        outside += 2 * math.comb(n, k) / 2**n
        k += 1
    return Measurement(key, middle, ordered[k - 1], ordered[n - k], "measured", confidence)


def machine_versions() -> str:
    return ", ".join(read_machine().versions)
