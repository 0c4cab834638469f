"""Discriminators for adversarial training: upstream's scale + multi-period set, and lighter ones.

Legend: B batch, n samples. Every discriminator maps audio [B, 1, n] to :class:`Judgement`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.sovits.layers import LEAKY_SLOPE, WeightNormed, same_padding


@dataclass(frozen=True)
class DiscriminatorConfig:
    """``width`` scales every channel count; the defaults are upstream's."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    scale: bool = True
    width: float = 1.0
    resolutions: tuple[int, ...] = ()  # n_fft of spectrogram discriminators, hop is a quarter

    @classmethod
    def light(cls) -> "DiscriminatorConfig":
        """Periods 2, 3, 5 and one spectrogram at a quarter of the channels: cheap enough for two cores."""
        return cls(periods=(2, 3, 5), scale=False, width=0.25, resolutions=(512,))


@dataclass(frozen=True)
class Judgement:
    """score: one value a patch; features: the inner activations, for feature matching."""

    score: Tensor
    features: list[Tensor]


class PeriodDiscriminator(nn.Module):
    """Folds the wave into rows of ``period`` samples and convolves along the columns."""

    def __init__(self, period: int, width: float) -> None:
        super().__init__()
        self.period = period
        c = [1, *(_scaled(n, width) for n in (32, 128, 512, 1024, 1024))]
        self.convs = nn.ModuleList(
            WeightNormed(nn.Conv2d(c[i], c[i + 1], (5, 1), (3 if i < 4 else 1, 1), (2, 0))) for i in range(5)
        )
        self.conv_post = WeightNormed(nn.Conv2d(c[-1], 1, (3, 1), 1, (1, 0)))

    def forward(self, audio: Tensor) -> Judgement:
        padded = F.pad(audio, (0, -audio.shape[-1] % self.period), mode="reflect")
        rows = padded.reshape(audio.shape[0], 1, -1, self.period)
        return _judge(rows, self.convs, self.conv_post)


class ScaleDiscriminator(nn.Module):
    """Strided, grouped 1-d convolutions on the raw wave."""

    def __init__(self, width: float) -> None:
        super().__init__()
        c = [1, *(_scaled(n, width) for n in (16, 64, 256, 1024, 1024, 1024))]
        shapes = [(15, 1, 1), (41, 4, 4), (41, 4, 16), (41, 4, 64), (41, 4, 256), (5, 1, 1)]
        self.convs = nn.ModuleList(
            WeightNormed(nn.Conv1d(c[i], c[i + 1], k, s, same_padding(k), groups=_groups(g, c[i], c[i + 1])))
            for i, (k, s, g) in enumerate(shapes)
        )
        self.conv_post = WeightNormed(nn.Conv1d(c[-1], 1, 3, 1, 1))

    def forward(self, audio: Tensor) -> Judgement:
        return _judge(audio, self.convs, self.conv_post)


class SpectrogramDiscriminator(nn.Module):
    """2-d convolutions on a magnitude spectrogram (one resolution of UnivNet's set)."""

    window: Tensor

    def __init__(self, n_fft: int, width: float) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        c = _scaled(64, width)
        shapes = [((3, 9), (1, 1)), ((3, 9), (1, 2)), ((3, 9), (1, 2)), ((3, 9), (1, 2)), ((3, 3), (1, 1))]
        self.convs = nn.ModuleList(
            WeightNormed(nn.Conv2d(c if i else 1, c, k, s, (k[0] // 2, k[1] // 2)))
            for i, (k, s) in enumerate(shapes)
        )
        self.conv_post = WeightNormed(nn.Conv2d(c, 1, 3, 1, 1))

    def forward(self, audio: Tensor) -> Judgement:
        with torch.autocast(audio.device.type, enabled=False):
            spectrum = torch.stft(
                audio.float().squeeze(1), self.n_fft, self.n_fft // 4, window=self.window, return_complex=True
            )
            magnitude = (torch.view_as_real(spectrum).square().sum(-1) + 1e-8).sqrt()
        return _judge(magnitude.transpose(1, 2).unsqueeze(1), self.convs, self.conv_post)


class Discriminators(nn.Module):
    """The chosen set; call it with real and with generated audio."""

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        config = config or DiscriminatorConfig()
        parts: list[nn.Module] = [ScaleDiscriminator(config.width)] if config.scale else []
        parts += [PeriodDiscriminator(period, config.width) for period in config.periods]
        parts += [SpectrogramDiscriminator(n_fft, config.width) for n_fft in config.resolutions]
        self.discriminators = nn.ModuleList(parts)

    def forward(self, audio: Tensor) -> list[Judgement]:
        return [cast(Judgement, part(audio)) for part in self.discriminators]


def _judge(x: Tensor, convs: nn.ModuleList, last: nn.Module) -> Judgement:
    features: list[Tensor] = []
    for conv in convs:
        x = F.leaky_relu(conv(x), LEAKY_SLOPE)
        features.append(x)
    x = last(x)
    return Judgement(x.flatten(1), [*features, x])


def _scaled(channels: int, width: float) -> int:
    return max(4, round(channels * width / 4) * 4)


def _groups(wanted: int, inputs: int, outputs: int) -> int:
    """The largest number of groups up to ``wanted`` that divides both channel counts."""
    return next(g for g in range(min(wanted, inputs), 0, -1) if inputs % g == 0 and outputs % g == 0)


def both(
    parts: Discriminators, real: Tensor, fake: Tensor
) -> tuple[Sequence[Judgement], Sequence[Judgement]]:
    """Judge real and generated audio in one pass."""
    joined = parts(torch.cat((real, fake)))
    n = real.shape[0]
    first = [Judgement(j.score[:n], [f[:n] for f in j.features]) for j in joined]
    return first, [Judgement(j.score[n:], [f[n:] for f in j.features]) for j in joined]
