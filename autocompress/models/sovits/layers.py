"""Small layers that every SoVITS part shares: x is [B, C, T]; masks are [B, 1, T], 1 where a frame counts."""

import copy
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEAKY_SLOPE = 0.1
M = TypeVar("M", bound=nn.Module)
Convolution = nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d


class ChannelNorm(nn.Module):
    """Layer norm over the channels of [B, C, T]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        normed = F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta, 1e-5)
        return normed.transpose(1, 2)


class WeightNormed(nn.Module):
    """A convolution whose weight is g · v / ‖v‖ (norm over all dimensions but 0), as the checkpoints hold it.

    For a transposed convolution dimension 0 is the input channel.
    """

    def __init__(self, plain: Convolution) -> None:
        super().__init__()
        weight = plain.weight.detach()
        self.bias = plain.bias
        self.weight_g = nn.Parameter(_norm(weight))
        self.weight_v = nn.Parameter(weight.clone())
        plain.weight, plain.bias = nn.Parameter(torch.empty(0)), None
        self._shape_of = [plain]  # strides and paddings only; in a list, so that it is no submodule

    @property
    def plain(self) -> Convolution:
        """A convolution of the same strides, paddings and dilations, without weights."""
        return self._shape_of[0]

    @property
    def transposed(self) -> bool:
        return isinstance(self.plain, nn.ConvTranspose1d)

    @property
    def weight(self) -> Tensor:
        return self.weight_v * (self.weight_g / _norm(self.weight_v))

    def forward(self, x: Tensor) -> Tensor:
        plain = self._shape_of[0]
        if isinstance(plain, nn.ConvTranspose1d):
            return F.conv_transpose1d(x, self.weight, self.bias, plain.stride, plain.padding)  # type: ignore[arg-type]
        out: Tensor = plain._conv_forward(x, self.weight, self.bias)
        return out

    def folded(self) -> nn.Module:
        """The same convolution with one plain weight."""
        out = copy.deepcopy(self._shape_of[0])
        out.weight = nn.Parameter(self.weight.detach().clone())
        out.bias = copy.deepcopy(self.bias)
        return out


def _norm(weight: Tensor) -> Tensor:
    return cast(Tensor, torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.dim())), keepdim=True))


def fold_weight_norm(model: M) -> M:
    """An inference copy of ``model`` in which every g · v / ‖v‖ is multiplied out."""
    out = copy.deepcopy(model)
    for module in list(out.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, WeightNormed):
                setattr(module, name, child.folded())
    return out


def same_padding(kernel: int, dilation: int = 1) -> int:
    return (kernel - 1) * dilation // 2


def normed_conv(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> WeightNormed:
    """A weight-normed 1-d convolution that keeps the length."""
    padding = same_padding(kernel, dilation)
    return WeightNormed(nn.Conv1d(inputs, outputs, kernel, padding=padding, dilation=dilation))


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x * mask


def length_mask(lengths: Tensor, frames: int) -> Tensor:
    """lengths [B] → float mask [B, 1, frames]."""
    return (torch.arange(frames, device=lengths.device) < lengths.unsqueeze(1)).unsqueeze(1).float()
