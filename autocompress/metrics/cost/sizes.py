"""Bytes on disk by component, and bytes in memory while speaking."""

from autocompress.metrics.cost.student_sizes import StudentSizes
from autocompress.metrics.cost.weights import stored_weights
from autocompress.metrics.cost.workload import SpeechWorkload
from autocompress.space import Candidate

# Protobuf around the weights, of graphs written by ``transforms.onnx_precision``: what all models have (with
# manifest and card), and what each repeated piece adds.
_GRAPHS_BYTES = 40_000.0
_GPT_BLOCK_BYTES = 6_800.0
_PRIOR_BLOCK_BYTES = 5_400.0
_FLOW_LAYER_BYTES = 1_270.0
_VOCODER_PAIR_BYTES = 560.0

_RUNTIME_BYTES = 30e6  # ONNX Runtime itself with three sessions: bundles of 25 and 68 MB took 82 and 149 MB


def component_bytes(sizes: StudentSizes, candidate: Candidate, *, bert: bool) -> dict[str, float]:
    """Bytes by the first two parts of the role (gpt.attention, …, sovits.vocoder), and ``graphs``."""
    totals: dict[str, float] = {}
    for tensor in stored_weights(sizes, bert=bert):
        component = ".".join(tensor.role.split(".")[:2])
        storage = str(candidate.get(f"storage.{tensor.role}", "fp32"))
        totals[component] = totals.get(component, 0.0) + tensor.size_bytes(storage)
    return totals | {"graphs": _graph_bytes(sizes)}


def working_bytes(sizes: StudentSizes, candidate: Candidate, work: SpeechWorkload) -> float:
    """Peak memory: the runtime, each graph's weights as it computes with them, caches, largest activations.

    Prefill and step are two sessions, each with the GPT's weights widened to what it multiplies in.
    """
    weights = {"gpt": 0.0, "sovits": 0.0}
    for tensor in stored_weights(sizes, bert=False):
        weights[tensor.role.split(".")[0]] += tensor.numbers * _loaded_bytes(tensor.role, candidate)
    positions = -(-(work.phonemes + work.prompt_tokens + work.tokens) // 256) * 256
    cache = 2 * 4.0 * positions * sum(block.attention for block in sizes.gpt.blocks)
    return _RUNTIME_BYTES + 2 * weights["gpt"] + weights["sovits"] + cache + _activations(sizes, work)


def _loaded_bytes(role: str, candidate: Candidate) -> float:
    if candidate.get(f"compute.{role}", "fp32") != "dynamic-int8":
        return 4.0
    return 0.625 if candidate.get(f"storage.{role}", "fp32") == "int4" else 1.0


def _activations(sizes: StudentSizes, work: SpeechWorkload) -> float:
    """Four buffers of the vocoder's widest stage: two sides of a block, its input, the running sum."""
    positions, widest = work.frames, 0
    for stage in sizes.sovits.vocoder.stages:
        positions *= stage.rate
        widest = max(widest, positions * stage.channels)
    return 4 * 4.0 * widest


def _graph_bytes(sizes: StudentSizes) -> float:
    sovits = sizes.sovits
    prior = sovits.prior
    encoder_blocks = len(prior.ssl_blocks) + len(prior.text_blocks) + len(prior.joint_blocks)
    pairs = len(sovits.vocoder.dilations) * sum(len(s.resblock_kernels) for s in sovits.vocoder.stages)
    return (
        _GRAPHS_BYTES
        + _GPT_BLOCK_BYTES * len(sizes.gpt.blocks)
        + _PRIOR_BLOCK_BYTES * encoder_blocks
        + _FLOW_LAYER_BYTES * sum(size.layers for size in sovits.couplings)
        + _VOCODER_PAIR_BYTES * pairs
    )
