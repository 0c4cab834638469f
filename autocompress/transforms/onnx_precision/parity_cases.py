"""What the PyTorch student answers on seeded inputs of several lengths, rounded as a plan says.

Weights go through their storage, and what int8 kernels read is rounded as those kernels do. Half precision is
the device's own affair: on a CPU the graph computes in fp32, and so does the student here.
"""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from autocompress.models.gpt import Gpt
from autocompress.models.onnx.sovits_graph import SovitsGraph
from autocompress.models.sovits.layers import fold_weight_norm
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.transforms.compute import computing_gpt, computing_sovits, kernel
from autocompress.transforms.onnx_precision.parity import ParityCase
from autocompress.transforms.onnx_precision.plan import PrecisionPlan
from autocompress.transforms.onnx_precision.roles import Array, find_role, is_weight
from autocompress.transforms.quantizers import quantize, stored_as

_LENGTHS = (
    (5, 0, 3),
    (23, 11, 14),
)  # phonemes, prompt, tokens; no graph was traced at one of these


def parity_cases(
    gpt: Gpt, sovits: Sovits, plan: PrecisionPlan, *, bert: bool = False, seed: int = 0
) -> list[ParityCase]:
    """Cases for prefill, step and SoVITS; ``bert`` as the graphs were exported.

    The networks may hold their weights in fp32 or already rounded: rounding twice changes nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    student, decoder = _rounded_gpt(gpt, plan), _rounded_sovits(sovits, plan)
    cases: list[ParityCase] = []
    with torch.no_grad():
        for phonemes, prompt, tokens in _LENGTHS:
            cases += _gpt_cases(student, phonemes, prompt, bert, generator)
            cases.append(_sovits_case(decoder, phonemes, tokens, generator))
    return cases


def _rounded_gpt(gpt: Gpt, plan: PrecisionPlan) -> Gpt:
    student = copy.deepcopy(gpt).eval()
    _round_weights(student, "gpt.", plan)
    roles = (f"{part}.{i}" for part in ("attention", "ffn") for i in range(len(student.h.layers)))
    kernels = {role: _kernel(plan, f"gpt.{role}") for role in roles}
    return computing_gpt(student, {role: name for role, name in kernels.items() if name})


def _rounded_sovits(sovits: Sovits, plan: PrecisionPlan) -> SovitsGraph:
    """The graph's module around plain layers: the forms that the exporter gives them are tested too."""
    graph = SovitsGraph(sovits)
    graph.sovits = fold_weight_norm(sovits).eval()
    graph.sovits.enc_p.ssl_proj = nn.Identity()  # type: ignore[assignment]  # the table holds its product
    _round_weights(graph, "", plan)
    kernels = {role: _kernel(plan, role) for role in ("sovits.prior", "sovits.flow", "sovits.vocoder")}
    graph.sovits = computing_sovits(graph.sovits, {role: name for role, name in kernels.items() if name})
    return graph.eval()


def _kernel(plan: PrecisionPlan, role: str) -> str | None:
    name = kernel(plan.compute_of(role), plan.storage_of(role))
    return None if name == "float16" else name


def _round_weights(module: nn.Module, prefix: str, plan: PrecisionPlan) -> None:
    """Put every weight that a graph may store narrow through its storage."""
    transposed = {
        f"{n}.weight"
        for n, m in module.named_modules()
        if isinstance(m, nn.ConvTranspose1d | nn.ConvTranspose2d)
    }
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        role = find_role(prefix + name)
        if role is not None and is_weight(name) and tensor.dim() > 1:
            value = tensor.detach().numpy()
            storage = stored_as(plan.storage_of(role), role, value.size)
            back = quantize(value, storage, int(name in transposed)).dequantised
            tensor.data.copy_(torch.from_numpy(back))


def _gpt_cases(
    gpt: Gpt, phonemes: int, prompt: int, bert: bool, generator: torch.Generator
) -> Iterator[ParityCase]:
    config = gpt.config
    ids = _ids(config.phoneme_vocab, phonemes, generator)
    codes = _ids(config.semantic_vocab - 1, prompt, generator)
    features = torch.randn(1, config.bert_width, phonemes, generator=generator) if bert else None
    filled = gpt.prefill(ids, features, codes, room=4)
    pairs = list(zip(filled.cache.keys, filled.cache.values, strict=True))
    for state in (state for pair in pairs for state in pair):
        state[:, :, filled.cache.length :] = 0
    inputs = {"phoneme_ids": ids, "prompt": codes} | ({} if features is None else {"bert": features})
    yield _case("prefill", inputs, _states(filled.logits, pairs, filled.cache.length))
    token = _ids(config.semantic_vocab - 1, 1, generator)
    inputs = {"token": token, "position": torch.tensor([prompt])}
    inputs["length"] = torch.tensor([filled.cache.length], dtype=torch.int32)
    for i, (key, value) in enumerate(pairs):
        inputs |= {f"key_in_{i}": key.clone(), f"value_in_{i}": value.clone()}
    logits = gpt.step(token, prompt, filled.cache)
    yield _case("step", inputs, _states(logits, pairs, filled.cache.capacity))


def _sovits_case(graph: SovitsGraph, phonemes: int, tokens: int, generator: torch.Generator) -> ParityCase:
    config = graph.sovits.config
    inputs = {
        "codes": _ids(config.quantizer.codes, tokens, generator),
        "phoneme_ids": _ids(config.phoneme_vocab, phonemes, generator),
        "style": torch.randn(1, config.gin, 1, generator=generator),
        "noise": 0.5 * torch.randn(1, config.inter, 2 * tokens, generator=generator),
        "window": torch.tensor([1, 2 * tokens]),
    }
    return _case("sovits", inputs, {"audio": graph(**inputs)})


def _states(logits: Tensor, pairs: list[tuple[Tensor, Tensor]], length: int) -> dict[str, Tensor]:
    named = {"logits": logits}
    for i, (key, value) in enumerate(pairs):
        named |= {f"key_out_{i}": key[:, :, :length], f"value_out_{i}": value[:, :, :length]}
    return named


def _case(graph: str, inputs: dict[str, Tensor], expected: dict[str, Tensor]) -> ParityCase:
    return ParityCase(graph, _arrays(inputs), _arrays(expected))


def _arrays(tensors: dict[str, Tensor]) -> dict[str, Array]:
    return {name: np.array(tensor.detach().numpy()) for name, tensor in tensors.items()}


def _ids(vocabulary: int, count: int, generator: torch.Generator) -> Tensor:
    return torch.randint(vocabulary, (1, count), generator=generator)
