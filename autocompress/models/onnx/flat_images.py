"""One-dimensional convolutions as convolutions over images of height one.

ONNX Runtime lays images out in blocks of channels and convolves them directly; for [B, C, T] it has no such
kernels and copies every window first, which takes half as long again.
"""

from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)
_KINDS = {nn.Conv1d: nn.Conv2d, nn.ConvTranspose1d: nn.ConvTranspose2d}


def over_flat_images(module: M) -> M:
    """``module`` with every convolution changed in place: it now takes and gives [B, C, 1, T]."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in _KINDS:
                setattr(parent, name, _flat(child))
    return module


def _flat(conv: nn.Module) -> nn.Module:
    assert isinstance(conv, nn.Conv1d | nn.ConvTranspose1d)
    assert isinstance(conv.padding, tuple)
    out: nn.Module = _KINDS[type(conv)](
        conv.in_channels,
        conv.out_channels,
        (1, *conv.kernel_size),
        stride=(1, *conv.stride),
        padding=(0, *conv.padding),
        dilation=(1, *conv.dilation),
        groups=conv.groups,
        bias=conv.bias is not None,
    )
    with torch.no_grad():
        for name, parameter in out.named_parameters():
            parameter.copy_(getattr(conv, name).reshape(parameter.shape))
    return out
