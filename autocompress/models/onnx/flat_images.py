"""One-dimensional convolutions as convolutions over images of height one.

ONNX Runtime lays images out in blocks of channels and convolves them directly; for [B, C, T] it has no such
kernels and copies every window first, which takes half as long again. Those kernels share an image of height
one among threads only by sets of 64 channels, so that narrow blocks are better left as they are.
"""

import torch
from torch import Tensor, nn

from autocompress.models.sovits.vocoder import ResBlock, Vocoder

NARROWEST = 128
"""Channels from which a block is changed: two sets, so that two threads gain as well as one."""


class FlatImages(nn.Module):
    """A module of convolutions that keep the length, run over [B, C, 1, T]; takes and gives [B, C, T]."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        for parent in list(module.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.Conv1d):
                    setattr(parent, name, _flat(child))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.module(x.unsqueeze(2))
        return out.squeeze(2)


def flatten_wide_blocks(vocoder: Vocoder) -> None:
    """Change the wide residual blocks of ``vocoder``, in place; its weight norm must be folded."""
    for key, block in list(vocoder.resblocks.items()):
        assert isinstance(block, ResBlock)
        first = next((module for module in block.modules() if isinstance(module, nn.Conv1d)), None)
        if first is not None and first.out_channels >= NARROWEST:
            vocoder.resblocks[key] = FlatImages(block)


def _flat(conv: nn.Conv1d) -> nn.Conv2d:
    assert isinstance(conv.padding, tuple)
    out = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        (1, conv.kernel_size[0]),
        stride=(1, conv.stride[0]),
        padding=(0, conv.padding[0]),
        dilation=(1, conv.dilation[0]),
        groups=conv.groups,
        bias=conv.bias is not None,
    )
    with torch.no_grad():
        for name, parameter in out.named_parameters():
            parameter.copy_(getattr(conv, name).reshape(parameter.shape))
    return out
