"""Looking into a running network at the inputs of its consumers, by hooks that leave it as it was."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from autocompress.transforms.units import UnitGroup


@contextmanager
def gates(network: nn.Module, groups: Sequence[UnitGroup]) -> Iterator[Mapping[str, Tensor]]:
    """A gate of ones [count] on each group's units, wherever they are read; by the group's name."""
    ones = {group.name: torch.ones(group.count, requires_grad=True) for group in groups}
    handles = [
        network.get_submodule(path).register_forward_pre_hook(partial(_gated, ones[group.name], group.width))
        for group in groups
        for path in group.consumers
    ]
    try:
        yield ones
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def mean_squares(
    network: nn.Module, groups: Sequence[UnitGroup], batches: Sequence[Any]
) -> dict[str, Tensor]:
    """E[a²] of every feature that a consumer reads, over all places of all batches; FFN inputs too."""
    paths = {path for group in groups for path in group.consumers} | ffn_inputs(network)
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}
    handles = [
        network.get_submodule(path).register_forward_pre_hook(partial(_observe, sums, counts, path))
        for path in sorted(paths)
    ]
    try:
        for batch in batches:
            batch.losses(network)
    finally:
        for handle in handles:
            handle.remove()
    return {path: (total / counts[path]).float() for path, total in sums.items()}


def ffn_inputs(network: nn.Module) -> set[str]:
    """The GPT's first FFN matrices: what they read weighs their low-rank form."""
    return {name for name, _ in network.named_modules() if name.endswith("linear1")}


def _gated(gate: Tensor, width: int, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (inputs[0] * _place(gate.repeat_interleave(width), module), *inputs[1:])


def _observe(
    sums: dict[str, Tensor], counts: dict[str, int], path: str, module: nn.Module, inputs: tuple[Tensor, ...]
) -> None:
    x = inputs[0].double()
    dim = _feature_dim(module, x)
    others = tuple(d for d in range(x.dim()) if d != dim)
    sums[path] = sums.get(path, torch.zeros(x.shape[dim], dtype=x.dtype)) + x.square().sum(others)
    counts[path] = counts.get(path, 0) + x.numel() // x.shape[dim]


def _place(features: Tensor, module: nn.Module) -> Tensor:
    return features if _is_linear(module) else features.unsqueeze(-1)


def _feature_dim(module: nn.Module, x: Tensor) -> int:
    return x.dim() - 1 if _is_linear(module) else 1


def _is_linear(module: nn.Module) -> bool:
    """Features last, as in the GPT; convolutions have them in dimension 1."""
    return isinstance(module, nn.Linear) or hasattr(module, "down")
