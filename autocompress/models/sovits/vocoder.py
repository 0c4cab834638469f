"""The HiFi-GAN vocoder (upstream: dec): latent frames [B, inter, T] → audio [B, 1, T · hop]."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.config import StageSize, VocoderConfig
from autocompress.models.sovits.layers import LEAKY_SLOPE, WeightNormed, normed_conv, same_padding

FINAL_SLOPE = 0.01  # torch's default, not the slope used everywhere else


class ResBlock(nn.Module):
    """For each dilation: x + conv(leaky(dilated conv(leaky(x))))."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(normed_conv(channels, channels, kernel, d) for d in dilations)
        self.convs2 = nn.ModuleList(normed_conv(channels, channels, kernel) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, LEAKY_SLOPE)), LEAKY_SLOPE))
        return x


class Vocoder(nn.Module):
    """Transposed convolutions, each followed by the mean of the residual blocks that its stage keeps.

    Block j of stage i has the key ``resblocks.(n_kernels · i + j)``, also when its neighbours are gone.
    """

    def __init__(self, config: VocoderConfig, inter: int, gin: int) -> None:
        super().__init__()
        self.config = config
        widths = [config.channels, *(stage.channels for stage in config.stages)]
        self.conv_pre = nn.Conv1d(inter, config.channels, 7, padding=3)
        self.cond = nn.Conv1d(gin, config.channels, 1)
        self.ups = nn.ModuleList(_up(w, stage) for w, stage in zip(widths, config.stages, strict=False))
        self.resblocks = nn.ModuleDict(
            {
                str(key): ResBlock(stage.channels, kernel, config.dilations)
                for i, stage in enumerate(config.stages)
                for key, kernel in _block_keys(config, i, stage)
            }
        )
        self.conv_post = nn.Conv1d(widths[-1], 1, 7, padding=same_padding(7), bias=False)

    def forward(self, z: Tensor, g: Tensor) -> Tensor:
        x = self.conv_pre(z) + self.cond(g)
        for i, (up, stage) in enumerate(zip(self.ups, self.config.stages, strict=True)):
            x = up(F.leaky_relu(x, LEAKY_SLOPE))
            kept = [self.resblocks[str(key)](x) for key, _ in _block_keys(self.config, i, stage)]
            x = sum(kept[1:], kept[0]) / len(kept) if kept else x
        return torch.tanh(self.conv_post(F.leaky_relu(x, FINAL_SLOPE)))


def _up(inputs: int, stage: StageSize) -> WeightNormed:
    padding = (stage.up_kernel - stage.rate) // 2
    return WeightNormed(nn.ConvTranspose1d(inputs, stage.channels, stage.up_kernel, stage.rate, padding))


def _block_keys(config: VocoderConfig, index: int, stage: StageSize) -> list[tuple[int, int]]:
    """(checkpoint key, kernel) of the residual blocks that a stage keeps."""
    first = len(config.resblock_kernels) * index
    return [(first + config.resblock_kernels.index(k), k) for k in stage.resblock_kernels]
