"""Compute precision in PyTorch: rounds what each matrix reads, as onnxruntime's kernels do.

The networks that come out are for evaluation only: they are neither saved nor exported.
"""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.gpt import Block, Gpt, SelfAttention
from autocompress.models.sovits.layers import WeightNormed
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.transforms.quantizers import is_small

Rounding = Callable[[Tensor], Tensor]
Choosing = Callable[[nn.Module], bool]
N = TypeVar("N", bound=nn.Module)

_BLOCK = 32
_PARTS = {"sovits.prior": "enc_p", "sovits.flow": "flow", "sovits.vocoder": "dec"}


def dynamic_uint8(x: Tensor) -> Tensor:
    """One scale and zero point for the whole tensor, as DynamicQuantizeLinear before MatMulInteger."""
    low, high = x.amin().clamp(max=0.0), x.amax().clamp(min=0.0)
    scale = ((high - low) / 255).clamp(min=torch.finfo(x.dtype).tiny)
    zero = torch.round(-low / scale).clamp(0, 255)
    return (torch.clamp(torch.round(x / scale) + zero, 0, 255) - zero) * scale


def block_int8(x: Tensor) -> Tensor:
    """Symmetric int8, one scale for each 32 features of a row, as MatMulNBits at accuracy level 4."""
    width = x.shape[-1]
    blocks = F.pad(x, (0, -width % _BLOCK)).reshape(*x.shape[:-1], -1, _BLOCK)
    scale = (blocks.abs().amax(-1, keepdim=True) / 127).clamp(min=torch.finfo(x.dtype).tiny)
    out: Tensor = (torch.round(blocks / scale) * scale).flatten(-2)[..., :width]
    return out


def half(x: Tensor) -> Tensor:
    """What a float16 device sees."""
    return x.half().to(x.dtype)


class Rounded(nn.Module):
    """A matrix or convolution whose input is rounded first, and its output too on a device of halves."""

    def __init__(self, inner: nn.Module, before: Rounding, after: Rounding | None = None) -> None:
        super().__init__()
        self.inner, self.before, self.after = inner, before, after

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(self.before(x))
        return out if self.after is None else self.after(out)


class RoundedAttention(nn.Module):
    """Self-attention whose two projections read rounded inputs; scores and sums stay float32."""

    def __init__(self, inner: SelfAttention, before: Rounding, after: Rounding | None) -> None:
        super().__init__()
        self.inner, self.before, self.size = inner, before, inner.size
        inner.out_proj = Rounded(inner.out_proj, before, after)  # type: ignore[assignment]

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.inner.project(self.before(x))

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        return self.inner.attend(q, k, v, mask)


KERNELS: Mapping[str, tuple[Rounding, Rounding | None]] = {
    "MatMulInteger": (dynamic_uint8, None),  # int8 weights, and ConvInteger alike
    "MatMulNBits": (block_int8, None),  # int4 weights at accuracy level 4
    "float16": (half, half),
}
"""What each kernel does to what its matrices read, and to what they give."""


def kernel(compute: str, storage: str) -> str | None:
    """The kernel that a compute decision means for weights in that storage; None for plain float32."""
    if compute == "dynamic-int8":
        return "MatMulNBits" if storage == "int4" else "MatMulInteger"
    return "float16" if compute == "fp16-device" else None


def computing_gpt(gpt: Gpt, kernels: Mapping[str, str]) -> Gpt:
    """A copy that computes by ``kernels``, by role and this network's own layer: attention.0, ffn.0, …"""
    out = copy.deepcopy(gpt)
    for i, layer in enumerate(out.h.layers):
        assert isinstance(layer, Block)
        if f"attention.{i}" in kernels:
            rounded = RoundedAttention(layer.self_attn, *KERNELS[kernels[f"attention.{i}"]])
            layer.self_attn = rounded  # type: ignore[assignment]
        if f"ffn.{i}" in kernels:
            for name in ("linear1", "linear2"):
                setattr(layer, name, _wrapped(getattr(layer, name), *KERNELS[kernels[f"ffn.{i}"]]))
    return out


def computing_sovits(sovits: Sovits, kernels: Mapping[str, str]) -> Sovits:
    """A copy whose parts compute by ``kernels``, named by role: sovits.prior, sovits.flow, sovits.vocoder."""
    out = copy.deepcopy(sovits)
    for role, part in _PARTS.items():
        if role in kernels:
            integer = kernels[role] != "float16"
            chosen = partial(_computes_narrow, role) if integer else _always
            _wrap_children(getattr(out, part), *KERNELS[kernels[role]], chosen)
    return out


def _computes_narrow(role: str, module: nn.Module) -> bool:
    """Not small ones, and no transposed convolution: there is no integer kernel for it."""
    largest = max(p.numel() for p in module.parameters())  # the matrix, whichever way it is written
    turned = isinstance(module, WeightNormed) and module.transposed
    return not turned and not is_small(role, largest)


def _always(_: nn.Module) -> bool:
    return True


def _wrapped(
    module: nn.Module, before: Rounding, after: Rounding | None, chosen: Choosing = _always
) -> nn.Module:
    if isinstance(module, nn.Linear | nn.Conv1d | WeightNormed):
        return Rounded(module, before, after) if chosen(module) else module
    _wrap_children(module, before, after, chosen)
    return module


def _wrap_children(module: nn.Module, before: Rounding, after: Rounding | None, chosen: Choosing) -> None:
    for name, child in list(module.named_children()):
        setattr(module, name, _wrapped(child, before, after, chosen))
