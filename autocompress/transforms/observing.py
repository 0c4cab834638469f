"""Looking into a running network at the inputs of its consumers, by hooks that leave it as it was."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from autocompress.models.gpt import Block
from autocompress.models.sovits.layers import WeightNormed
from autocompress.transforms.units import UnitGroup

MOST_FEATURES, MOST_PLACES = 2048, 400
"""Of one window, and windows of one utterance: what is kept stays within 16 MB a matrix, and quick."""
_MATRICES = (nn.Linear, nn.Conv1d, WeightNormed)
_NOT_SHIPPED = ("enc_q.", "ref_enc.", "quantizer.", "ssl_proj", "enc_p.ssl_proj")


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
def second_moments(
    network: nn.Module, paths: Iterable[str], batches: Sequence[Any]
) -> tuple[dict[str, Tensor], dict[str, int]]:
    """E[x xᵀ] [features, features] of what each module reads, and over how many places it was taken.

    Features are those of one place of the output: of a convolution channels times taps, in the order of its
    weight. Of transposed convolutions, and of windows with more than ``MOST_FEATURES``, channels alone.
    """
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}
    handles = [
        _reader(network, path).register_forward_pre_hook(partial(_observe, sums, counts, path))
        for path in sorted(set(paths))
    ]
    try:
        for batch in batches:
            batch.losses(network)
    finally:
        for handle in handles:
            handle.remove()
    # A matrix product leaves xᵀx symmetric on some processors only; who keeps half of it must not lose a bit.
    return {path: (total + total.t()) / (2 * counts[path]) for path, total in sums.items()}, counts


def matrices(network: nn.Module) -> set[str]:
    """Every module whose weight a device multiplies with what it reads; not of channels alone."""
    named = dict(network.named_modules())
    blocks = [f"{name}.self_attn.in_proj" for name, module in named.items() if isinstance(module, Block)]
    multiplying = [
        name
        for name, module in named.items()
        if isinstance(module, _MATRICES) and getattr(module, "groups", 1) == 1
    ]
    return {name for name in (*blocks, *multiplying) if not name.startswith(_NOT_SHIPPED)}


def _reader(network: nn.Module, path: str) -> nn.Module:
    """The module that is called with what ``path`` reads: the fused projection is a part of its block's."""
    return network.get_submodule(path.removesuffix(".self_attn.in_proj"))


def _gated(gate: Tensor, width: int, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (inputs[0] * _place(gate.repeat_interleave(width), module), *inputs[1:])


def _observe(
    sums: dict[str, Tensor], counts: dict[str, int], path: str, module: nn.Module, inputs: tuple[Tensor, ...]
) -> None:
    x = _windows(module, inputs[0])
    total = sums.setdefault(path, torch.zeros(x.shape[1], x.shape[1]))
    total.addmm_(x.t(), x)
    counts[path] = counts.get(path, 0) + len(x)


def _windows(module: nn.Module, x: Tensor) -> Tensor:
    """What each place of the output is made of [places, features]; of many places some, evenly spread."""
    plain = module.plain if isinstance(module, WeightNormed) else module
    if isinstance(plain, nn.Conv1d) and plain.stride == (1,) and plain.kernel_size != (1,):
        (taps,), (dilation,), padding = plain.kernel_size, plain.dilation, plain.padding
        if x.shape[1] * taps <= MOST_FEATURES and not isinstance(padding, str):
            padded = functional.pad(x, (padding[0], padding[0]))
            seen = padded.unfold(2, (taps - 1) * dilation + 1, 1)[..., ::dilation]  # [B, C, places, taps]
            seen = seen[:, :, :: max(1, seen.shape[2] // MOST_PLACES)]
            return seen.transpose(1, 2).flatten(2).flatten(0, 1)
    return x.movedim(_feature_dim(module, x), -1).flatten(0, -2)


def _place(features: Tensor, module: nn.Module) -> Tensor:
    return features if _is_linear(module) else features.unsqueeze(-1)


def _feature_dim(module: nn.Module, x: Tensor) -> int:
    return x.dim() - 1 if _is_linear(module) else 1


def _is_linear(module: nn.Module) -> bool:
    """Features last, as in the GPT; convolutions have them in dimension 1."""
    return isinstance(module, nn.Linear | Block) or hasattr(module, "down")
