"""Bytes, seconds and memory of a candidate on a device, by component; a millisecond each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autocompress.hardware.prediction import Prediction
from autocompress.hardware.profile import HardwareProfile
from autocompress.metrics.cost.latency import Latency, component_latencies
from autocompress.metrics.cost.part_costs import PartCosts
from autocompress.metrics.cost.sizes import component_bytes, working_bytes
from autocompress.metrics.cost.student_sizes import student_sizes
from autocompress.metrics.cost.workload import REFERENCE_WORKLOAD, SpeechWorkload
from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.objectives import Measurement, Source
from autocompress.space import Candidate

_MEMORY_SPREAD = 1.2  # the memory model against resident memory: kernels' scratch space is not in a graph


@dataclass(frozen=True)
class CandidateCost:
    """``bytes_by_component`` are files; ``latency`` has seconds by component on ``device``."""

    device: str
    bytes_by_component: Mapping[str, float]
    latency: Latency
    memory_bytes: float
    workload: SpeechWorkload

    @property
    def size_bytes(self) -> float:
        return sum(self.bytes_by_component.values())

    def measurements(self) -> tuple[Measurement, ...]:
        """size_mb, latency_s, first_audio_s, rtf and memory_mb, each with its interval and source."""
        total, first = self.latency.total, self.latency.first_audio
        memory_mb = self.memory_bytes / 1e6
        return (
            Measurement.exact("size_mb", self.size_bytes / 1e6),
            _timed("latency_s", total),
            _timed("first_audio_s", first),
            _timed("rtf", total.scaled(1 / self.workload.audio_s)),
            Measurement(
                "memory_mb", memory_mb, memory_mb / _MEMORY_SPREAD, memory_mb * _MEMORY_SPREAD, "estimated"
            ),
        )

    def details(self) -> dict[str, float]:
        """The same by component, for reports: ``seconds.vocoder``, ``bytes.sovits.flow``."""
        seconds = {f"seconds.{name}": p.median_s for name, p in self.latency.by_component.items()}
        return seconds | {f"bytes.{name}": size for name, size in self.bytes_by_component.items()}


@dataclass(frozen=True)
class CostModel:
    """Counts candidates of one teacher on one device. ``bert``: the prefill graph takes BERT features."""

    gpt: GptConfig
    sovits: SovitsConfig
    profile: HardwareProfile
    workload: SpeechWorkload = REFERENCE_WORKLOAD
    bert: bool = False
    threads: int | None = None
    _parts: list[PartCosts] = field(default_factory=list, repr=False, compare=False)

    @property
    def parts(self) -> PartCosts:
        if not self._parts:
            self._parts.append(PartCosts.on(self.profile, self.threads))
        return self._parts[0]

    def cost(self, candidate: Candidate) -> CandidateCost:
        """What ``candidate`` costs; the empty one is the teacher."""
        sizes = student_sizes(self.gpt, self.sovits, candidate)
        return CandidateCost(
            self.profile.id,
            component_bytes(sizes, candidate, bert=self.bert),
            component_latencies(sizes, candidate, self.parts, self.workload, bert=self.bert),
            working_bytes(sizes, candidate, self.workload),
            self.workload,
        )


def _timed(key: str, time: Prediction) -> Measurement:
    kinds: dict[str, Source] = {
        "measured": "measured",
        "calibrated": "calibrated",
        "estimated": "estimated",
    }
    return Measurement(key, time.median_s, time.low_s, time.high_s, kinds[time.kind], time.confidence)
