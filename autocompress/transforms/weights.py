"""Weights as a mapping from the checkpoint's names: reading, slicing and writing them by module path.

A path names a module ("dec.ups.0"). Its weight may be stored plain, weight-normed (g and v), or, for the
fused query-key-value projection, as ``…in_proj_weight``. Whatever the form, "rows" are what the module gives
and "columns" what it reads. Where a calibration set was seen, ``PATH.inputs`` [columns, columns] stands
beside the weight: E[x xᵀ] of what the module reads, of a convolution by columns alone or by columns and taps.
It is cut with the columns and never built into a network.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

State = dict[str, Tensor]
Weights = Mapping[str, Tensor]
INPUTS = ".inputs"

_TRANSPOSED = "dec.ups."  # transposed convolutions hold [inputs, outputs, kernel]


def effective_weight(weights: Weights, path: str) -> Tensor:
    """The matrix or kernel that the module multiplies with, weight norm applied."""
    if f"{path}.weight_v" in weights:
        v, g = weights[f"{path}.weight_v"], weights[f"{path}.weight_g"]
        return v * (g / _norm(v))
    return weights[_weight_key(weights, path)]


def bias_of(weights: Weights, path: str) -> Tensor | None:
    for key in (f"{path}.bias", f"{path}_bias"):
        if key in weights:
            return weights[key]
    return None


def put_weight(state: State, path: str, weight: Tensor) -> None:
    """Store an effective weight in the module's own form, so that reading it back gives the same bits."""
    if f"{path}.weight_v" not in state:
        state[_weight_key(state, path)] = weight
        return
    norm = _norm(weight)
    empty = norm == 0  # 0 / 0 would be NaN: keep a direction, with length 0
    state[f"{path}.weight_v"] = torch.where(empty, torch.ones_like(weight), weight)
    state[f"{path}.weight_g"] = norm


def keep_rows(state: State, path: str, index: Tensor) -> None:
    """Keep these outputs of the module, and their biases."""
    put_weight(state, path, effective_weight(state, path).index_select(row_dim(path), index))
    for key in (f"{path}.bias", f"{path}_bias"):
        if key in state:
            state[key] = state[key][index]


def keep_columns(state: State, path: str, index: Tensor) -> None:
    """Keep these inputs of the module."""
    weight, dim = effective_weight(state, path), column_dim(path)
    put_weight(state, path, weight.index_select(dim, index))
    moment = state.get(f"{path}{INPUTS}")
    if moment is not None:
        kept = features(index, len(moment) // weight.shape[dim])
        state[f"{path}{INPUTS}"] = moment[kept][:, kept]


def without_inputs(weights: Weights) -> State:
    """The weights alone."""
    return {key: tensor for key, tensor in weights.items() if not key.endswith(INPUTS)}


def row_dim(path: str) -> int:
    return 1 if path.startswith(_TRANSPOSED) else 0


def column_dim(path: str) -> int:
    return 1 - row_dim(path)


def drop_prefixes(state: State, prefixes: Iterable[str]) -> None:
    """Forget every tensor of these modules."""
    starts = tuple(f"{prefix}." for prefix in prefixes)
    for key in [key for key in state if key.startswith(starts)]:
        del state[key]


def rename_prefix(state: State, old: str, new: str) -> None:
    """Every tensor of the module ``old`` under the name ``new``, which nothing may have."""
    start = f"{old}."
    for key in [key for key in state if key.startswith(start)]:
        state[f"{new}.{key.removeprefix(start)}"] = state.pop(key)


def features(columns: Tensor, taps: int) -> Tensor:
    """Places of these columns in a moment that has so many ``taps`` of each."""
    return (columns.unsqueeze(1) * taps + torch.arange(taps)).flatten()


def keep_items(state: State, prefix: str, kept: Iterable[int]) -> None:
    """Keep these items of the module list ``prefix``, numbered anew from 0."""
    start = f"{prefix}."
    items = {key: state.pop(key) for key in [key for key in state if key.startswith(start)]}
    place = {str(old): str(new) for new, old in enumerate(kept)}
    for key, tensor in items.items():
        number, _, rest = key.removeprefix(start).partition(".")
        if number in place:
            state[f"{start}{place[number]}.{rest}"] = tensor


def _weight_key(weights: Weights, path: str) -> str:
    return f"{path}.weight" if f"{path}.weight" in weights else f"{path}_weight"


def _norm(weight: Tensor) -> Tensor:
    out: Tensor = torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.dim())), keepdim=True)
    return out
