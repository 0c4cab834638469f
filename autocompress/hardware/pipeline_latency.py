"""A whole voice on a device: text encoding + prefill + tokens × step + vocoder windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autocompress.errors import ProfileError
from autocompress.hardware.graph import Graph
from autocompress.hardware.latency import GraphPrediction, predict_graph
from autocompress.hardware.prediction import Prediction
from autocompress.hardware.profile import HardwareProfile

ROLES = ("text", "prefill", "step", "vocoder")


@dataclass(frozen=True)
class Component:
    """One graph of the pipeline at the shapes of the workload.

    A ``step`` is read with a cache of medium length (prompt and text plus half of the tokens): its time grows
    linearly with the cache, so the middle is the mean. A ``vocoder`` is read at the size of one window.
    """

    name: str
    role: str
    graph: Graph

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ProfileError(
                f"component {self.name!r} has the role {self.role!r}; the roles are {', '.join(ROLES)}."
            )


@dataclass(frozen=True)
class Workload:
    """What is spoken. The defaults are the reference workload: 100 semantic tokens, 4 s of audio at 25 Hz.

    ``vocoder_windows`` of equal size make up the audio; the first is spoken as soon as its share of the
    tokens is there.
    """

    tokens: int = 100
    tokens_per_s: float = 25.0
    vocoder_windows: int = 1

    @property
    def audio_s(self) -> float:
        return self.tokens / self.tokens_per_s


@dataclass(frozen=True)
class PipelinePrediction:
    """Times of a pipeline; ``by_component`` holds the whole share of each (all steps, all windows)."""

    device: str
    threads: int
    total: Prediction
    first_audio: Prediction
    by_component: Mapping[str, Prediction]
    graphs: Mapping[str, GraphPrediction]
    rtf: float
    peak_memory_bytes: int


def predict_pipeline(
    components: Sequence[Component],
    profile: HardwareProfile,
    workload: Workload | None = None,
    threads: int | None = None,
) -> PipelinePrediction:
    """Cost every component on a device and put the pipeline together.

    Memory is the weights of all components (all stay loaded) and the largest working set of one.
    """
    work = workload or Workload()
    graphs = {part.name: predict_graph(part.graph, profile, threads) for part in components}
    repeats = {"step": work.tokens, "vocoder": work.vocoder_windows}
    early = {"step": -(-work.tokens // work.vocoder_windows), "vocoder": 1}
    whole = {part.name: graphs[part.name].total.scaled(repeats.get(part.role, 1)) for part in components}
    first = [graphs[part.name].total.scaled(early.get(part.role, 1)) for part in components]
    total = _sum(list(whole.values()))
    return PipelinePrediction(
        device=profile.id,
        threads=next(iter(graphs.values())).threads,
        total=total,
        first_audio=_sum(first),
        by_component=whole,
        graphs=graphs,
        rtf=total.median_s / work.audio_s,
        peak_memory_bytes=sum(g.weight_bytes for g in graphs.values())
        + max(g.peak_memory_bytes - g.weight_bytes for g in graphs.values()),
    )


def _sum(parts: Sequence[Prediction]) -> Prediction:
    if not parts:
        raise ProfileError("a pipeline needs at least one component; none was given.")
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
