"""Bytes on disk by component, and bytes in memory while speaking."""

from itertools import groupby
from operator import attrgetter

from autocompress.metrics.cost.student_sizes import StudentSizes
from autocompress.metrics.cost.weights import stored_weights
from autocompress.metrics.cost.workload import SpeechWorkload
from autocompress.models.config import IstftConfig, VocoderConfig
from autocompress.space import Candidate

# Protobuf around the weights, of graphs written by ``transforms.onnx_precision``: what all models have (with
# manifest and card), and what each repeated piece adds.
_GRAPHS_BYTES = 27_000.0
_GPT_BLOCK_BYTES = 5_600.0
_PRIOR_BLOCK_BYTES = 3_500.0
_FLOW_LAYER_BYTES = 825.0
_VOCODER_PAIR_BYTES = 364.0
_SPECTRAL_BLOCK_BYTES = 1_100.0
_ISTFT_BYTES = 6_500.0

_FP32_BYTES = 4.0
_RUNTIME_BYTES = 30e6  # ONNX Runtime itself with three sessions: bundles of 25 and 68 MB took 82 and 149 MB
_WIDENING_BYTES = {"fp32": 0.0, "fp16": 1.0, "int8": 4.7, "int4": 12.5}
"""A weight, beyond its fp32 form, while a session is created: ONNX Runtime keeps every intermediate result of
unpacking and scaling until all constants are folded. Resident peaks of the reference model's step graph; six
bundles of 17 to 68 MB took 82 to 191 MB, and are predicted within a tenth."""


def component_bytes(sizes: StudentSizes, candidate: Candidate, *, bert: bool) -> dict[str, float]:
    """Bytes by the first two parts of the role (gpt.attention, …, sovits.vocoder), and ``graphs``."""
    totals: dict[str, float] = {}
    graphs = _graph_bytes(sizes)
    for role, tensors in groupby(stored_weights(sizes, bert=bert), attrgetter("role")):
        component = ".".join(role.split(".")[:2])
        storage, compute = (str(candidate.get(f"{what}.{role}", "fp32")) for what in ("storage", "compute"))
        for tensor in tensors:
            totals[component] = totals.get(component, 0.0) + tensor.size_bytes(storage)
            graphs += tensor.entry_bytes(storage, compute)
    return totals | {"graphs": graphs}


def working_bytes(sizes: StudentSizes, candidate: Candidate, work: SpeechWorkload) -> float:
    """Peak memory: the runtime and the most of what loading each graph and then speaking need.

    Prefill and step are two sessions, each with the GPT's weights widened to what it multiplies in; a session
    that widens needs more while it is created than it keeps.
    """
    kept = {"gpt": 0.0, "sovits": 0.0}
    widening = dict(kept)
    for tensor in stored_weights(sizes, bert=False):
        half = tensor.role.split(".")[0]
        loaded = _loaded_bytes(tensor.role, candidate)
        kept[half] += tensor.numbers * loaded
        storage = str(candidate.get(f"storage.{tensor.role}", "fp32"))
        widening[half] += tensor.numbers * _WIDENING_BYTES[storage] if loaded == _FP32_BYTES else 0.0
    loading_gpt = 2 * kept["gpt"] + widening["gpt"]
    resident = 2 * kept["gpt"] + kept["sovits"]
    loading_sovits = resident + widening["sovits"]
    speaking = resident + _cache_bytes(sizes, work) + _activations(sizes, work)
    return _RUNTIME_BYTES + max(loading_gpt, loading_sovits, speaking)


def _cache_bytes(sizes: StudentSizes, work: SpeechWorkload) -> float:
    """Keys and values of every block, in steps of 256 positions."""
    positions = -(-(work.phonemes + work.prompt_tokens + work.tokens) // 256) * 256
    return 2 * _FP32_BYTES * positions * sum(block.attention for block in sizes.gpt.blocks)


def _loaded_bytes(role: str, candidate: Candidate) -> float:
    if candidate.get(f"compute.{role}", "fp32") != "dynamic-int8":
        return _FP32_BYTES
    return 0.625 if candidate.get(f"storage.{role}", "fp32") == "int4" else 1.0


def _activations(sizes: StudentSizes, work: SpeechWorkload) -> float:
    """Four buffers of the vocoder's widest stage: two sides of a block, its input, the running sum."""
    vocoder, positions, widest = sizes.sovits.vocoder, work.frames, 0
    if isinstance(vocoder, IstftConfig):  # spectra, their parts, and the blocks' hidden features
        return 4 * 4.0 * positions * vocoder.rate * max(2 * vocoder.bins, *vocoder.hidden)
    for stage in vocoder.stages:
        positions *= stage.rate
        widest = max(widest, positions * stage.channels)
    return 4 * 4.0 * widest


def _graph_bytes(sizes: StudentSizes) -> float:
    sovits = sizes.sovits
    prior = sovits.prior
    encoder_blocks = len(prior.ssl_blocks) + len(prior.text_blocks) + len(prior.joint_blocks)
    return (
        _GRAPHS_BYTES
        + _GPT_BLOCK_BYTES * len(sizes.gpt.blocks)
        + _PRIOR_BLOCK_BYTES * encoder_blocks
        + _FLOW_LAYER_BYTES * sum(size.layers for size in sovits.couplings)
        + _vocoder_graph_bytes(sovits.vocoder)
    )


def _vocoder_graph_bytes(vocoder: VocoderConfig | IstftConfig) -> float:
    if isinstance(vocoder, IstftConfig):
        return _ISTFT_BYTES + _SPECTRAL_BLOCK_BYTES * len(vocoder.hidden)
    pairs = len(vocoder.dilations) * sum(len(stage.resblock_kernels) for stage in vocoder.stages)
    return _VOCODER_PAIR_BYTES * pairs
