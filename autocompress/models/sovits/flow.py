"""The residual-coupling flow and the WaveNet stack inside it. Couplings only shift: log determinant 0."""

import torch
from torch import Tensor, nn

from autocompress.models.config import SovitsConfig, WaveNetSize
from autocompress.models.sovits.layers import WeightNormed, masked, normed_conv


class WaveNet(nn.Module):
    """Gated convolutions with a condition g [B, gin, 1]; every layer feeds the sum of skips."""

    def __init__(self, size: WaveNetSize, gin: int, dropout: float = 0.0) -> None:
        super().__init__()
        hidden, last = size.hidden, size.layers - 1
        self.hidden = hidden
        self.in_layers = nn.ModuleList(
            normed_conv(hidden, 2 * hidden, size.kernel) for _ in range(size.layers)
        )
        self.res_skip_layers = nn.ModuleList(
            normed_conv(hidden, hidden if i == last else 2 * hidden, 1) for i in range(size.layers)
        )
        self.cond_layer = WeightNormed(nn.Conv1d(gin, 2 * hidden * size.layers, 1))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor) -> Tensor:
        conditions = self.cond_layer(g).chunk(len(self.in_layers), dim=1)
        skips: list[Tensor] = []
        for in_layer, res_skip, condition in zip(
            self.in_layers, self.res_skip_layers, conditions, strict=True
        ):
            a, b = (in_layer(x) + condition).chunk(2, dim=1)
            out = res_skip(self.drop(torch.tanh(a) * torch.sigmoid(b)))
            if out.shape[1] != self.hidden:
                x = masked(x + out[:, : self.hidden], mask)
            skips.append(out[:, -self.hidden :])
        return masked(sum(skips[1:], skips[0]), mask)


class Coupling(nn.Module):
    """Shifts the second half of the channels by a function of the first half."""

    def __init__(self, inter: int, size: WaveNetSize, gin: int) -> None:
        super().__init__()
        self.half_channels = inter // 2
        self.pre = nn.Conv1d(self.half_channels, size.hidden, 1)
        self.enc = WaveNet(size, gin)
        self.post = nn.Conv1d(size.hidden, self.half_channels, 1)
        nn.init.zeros_(self.post.weight)  # starts as the identity
        nn.init.zeros_(self.post.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor, *, reverse: bool) -> Tensor:
        x0, x1 = x[:, : self.half_channels], x[:, self.half_channels :]
        mean = masked(self.post(self.enc(masked(self.pre(x0), mask), mask, g)), mask)
        x1 = x1 - mean if reverse else mean + masked(x1, mask)
        return torch.cat((x0, masked(x1, mask)), dim=1)


class Flip(nn.Module):
    """Reverses the channel order; its own inverse."""

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor, *, reverse: bool) -> Tensor:
        return x.flip(1)


class Identity(nn.Module):
    """Stands for a removed coupling, so that keys and flips keep their places."""

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor, *, reverse: bool) -> Tensor:
        return x


class Flow(nn.Module):
    """z → z_p forward, z_p → z in reverse, over [B, inter, T]; couplings at even places, flips at odd."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        self.flows = nn.ModuleList()
        for size in config.couplings:
            removed = size.layers == 0
            self.flows.append(Identity() if removed else Coupling(config.inter, size, config.gin))
            self.flows.append(Flip())

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor, *, reverse: bool = False) -> Tensor:
        for flow in reversed(self.flows) if reverse else self.flows:
            x = flow(x, mask, g, reverse=reverse)
        return x
