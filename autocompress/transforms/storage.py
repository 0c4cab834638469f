"""Storage precision by role: which tensors a device needs, how each is stored, and what that costs.

Names are those of the networks with weight norm folded, as the exported graphs have them. What a device does
not need is not listed: the posterior, style and token encoders, whose results lie in the voice store.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autocompress.space import Candidate
from autocompress.transforms.quantizers import Quantized, quantize, stored_as
from autocompress.transforms.reconstruction import rounding_ahead
from autocompress.transforms.weights import (
    INPUTS,
    State,
    Weights,
    bias_of,
    effective_weight,
    put_weight,
    row_dim,
    without_inputs,
)

TABLE = "table"
"""The codebook and the projection behind it, one table [codes, hidden] in the exported graph."""

_CODEBOOK = "quantizer.vq.layers.0._codebook.embed"
_PROJECTION = "enc_p.ssl_proj"


@dataclass(frozen=True)
class StoredTensor:
    """One tensor of the exported graph. ``role`` is a storage decision's name without "storage."."""

    name: str
    role: str
    storage: str  # fp32, fp16, int8 or int4
    shape: tuple[int, ...]
    axis: int  # of its output channels
    size_bytes: int


@dataclass(frozen=True, eq=False)
class Stored:
    """The weights as they come back from storage, and the list of what is stored."""

    weights: State
    tensors: tuple[StoredTensor, ...]


def store_gpt(weights: Weights, candidate: Candidate, layers: Sequence[int]) -> Stored:
    """``layers``: the teacher's index of each layer, by which the decisions name them."""
    return _store(weights, candidate, lambda key: gpt_role(key, layers))


def gpt_ahead(weights: Weights, candidate: Candidate, layers: Sequence[int]) -> State:
    """The weights moved for the rounding to come: those of int4 whose inputs are known."""
    return _ahead(weights, candidate, lambda key: gpt_role(key, layers))


def sovits_ahead(weights: Weights, candidate: Candidate) -> State:
    """The same of SoVITS."""
    return _ahead(weights, candidate, sovits_role)


def store_sovits(weights: Weights, candidate: Candidate) -> Stored:
    stored = _store(weights, candidate, sovits_role)
    table = _table(weights)
    role = "sovits.embedding"
    storage = _storage(candidate, role)
    coded = _quantized(table, storage, 0)
    if storage != "fp32":
        _put_table(stored.weights, table, coded)
    entry = StoredTensor(TABLE, role, storage, tuple(table.shape), 0, coded.size_bytes)
    return Stored(stored.weights, (*stored.tensors, entry))


def gpt_role(key: str, layers: Sequence[int]) -> str:
    """Role of a tensor of the GPT."""
    if key.startswith("h.layers."):
        number, part = key.removeprefix("h.layers.").split(".")[:2]
        attention = part in ("self_attn", "norm1")
        return f"gpt.{'attention' if attention else 'ffn'}.{layers[int(number)]}"
    return "gpt.head" if key.startswith("ar_predict_layer") else "gpt.embedding"


def sovits_role(key: str) -> str | None:
    """Role of a tensor of SoVITS; None when a device does without it."""
    if key.startswith("enc_p.text_embedding"):
        return "sovits.embedding"
    if key.startswith(("enc_p.", "ge_to512")):
        return None if key.startswith(_PROJECTION) else "sovits.prior"
    return {"flow": "sovits.flow", "dec": "sovits.vocoder"}.get(key.split(".")[0])


def bytes_by_role(tensors: Iterable[StoredTensor]) -> dict[str, int]:
    """Bytes of each role, layers apart."""
    totals: dict[str, int] = {}
    for tensor in tensors:
        totals[tensor.role] = totals.get(tensor.role, 0) + tensor.size_bytes
    return totals


def bytes_by_component(tensors: Iterable[StoredTensor]) -> dict[str, int]:
    """Bytes by the first two parts of the role: gpt.attention, gpt.ffn, …, sovits.vocoder."""
    totals: dict[str, int] = {}
    for role, size in bytes_by_role(tensors).items():
        component = ".".join(role.split(".")[:2])
        totals[component] = totals.get(component, 0) + size
    return totals


def _store(weights: Weights, candidate: Candidate, role_of: Callable[[str], str | None]) -> Stored:
    state, tensors = without_inputs(weights), []
    for key in tuple(state):
        role = role_of(key)
        if role is None or key.endswith(".weight_g"):
            continue
        path, name = _module(key), key.replace(".weight_v", ".weight")
        tensor = effective_weight(weights, path) if _is_matrix(key) else weights[key]
        asked = _storage(candidate, role) if _is_matrix(key) else "fp32"
        storage = stored_as(asked, role, tensor.numel())
        axis = row_dim(path) if _is_matrix(key) else 0
        coded = _quantized(tensor, storage, axis)
        tensors.append(StoredTensor(name, role, storage, tuple(tensor.shape), axis, coded.size_bytes))
        if storage != "fp32":
            put_weight(state, path, torch.from_numpy(coded.dequantised))
    return Stored(state, tuple(tensors))


def _ahead(weights: Weights, candidate: Candidate, role_of: Callable[[str], str | None]) -> State:
    """Moments of channels alone say too little of a convolution's taps: such a kernel is left as it is."""
    state = dict(weights)
    for key in weights:
        role, path = role_of(key), _module(key)
        moment = weights.get(f"{path}{INPUTS}")
        if moment is None or role is None or not _is_matrix(key) or row_dim(path):
            continue
        weight = effective_weight(weights, path)
        storage = stored_as(_storage(candidate, role), role, weight.numel())
        if storage == "int4" and weight[0].numel() == len(moment):
            moved = rounding_ahead(weight.flatten(1).float().numpy(), moment.numpy())
            put_weight(state, path, torch.from_numpy(moved).reshape(weight.shape))
    return state


def _storage(candidate: Candidate, role: str) -> str:
    return str(candidate.get(f"storage.{role}", "fp32"))


def _is_matrix(key: str) -> bool:
    """Weights of linear maps, convolutions and embeddings. Biases, norms and relative positions stay fp32."""
    last = key.split(".")[-1]
    return last in ("weight", "weight_v", "in_proj_weight") and not key.split(".")[-2].startswith("norm")


def _module(key: str) -> str:
    return key.removesuffix(".weight").removesuffix(".weight_v").removesuffix("_weight")


def _quantized(tensor: Tensor, storage: str, axis: int) -> Quantized:
    return quantize(tensor.detach().float().numpy(), storage, axis)


def _table(weights: Weights) -> Tensor:
    bias = bias_of(weights, _PROJECTION)
    assert bias is not None
    return weights[_CODEBOOK] @ effective_weight(weights, _PROJECTION)[:, :, 0].t() + bias


def _put_table(state: State, table: Tensor, coded: Quantized) -> None:
    """Move the code vectors by the least that gives the rounded table behind the projection.

    The graph stores only the table; here its two factors stay, so that the network keeps its shape.
    """
    error = torch.from_numpy(coded.dequantised).double() - table.double()
    back = torch.linalg.pinv(effective_weight(state, _PROJECTION)[:, :, 0].double())  # [width, hidden]
    state[_CODEBOOK] = (state[_CODEBOOK].double() + error @ back.t()).float()
