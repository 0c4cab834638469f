"""A vocoder that predicts spectra instead of samples: latent frames [B, inter, T] → audio [B, 1, T · hop].

Blocks of a depthwise convolution and a feed-forward pair at the frame rate, as in Vocos (Siuzdak 2023,
arXiv:2306.00814), with linear layers over frames [B, T, C]. Nothing runs at the sample rate but one inverse
transform: a tenth of a HiFi-GAN's work with as many weights. Upstream has none; it is a teacher's spare.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.config import IstftConfig, SovitsConfig

_LOUDEST = math.log(100.0)  # of a bin's magnitude: keeps the exponential of an untrained network finite


class SpectralBlock(nn.Module):
    """x + contract(relu(expand(norm(depthwise convolution of x)))); x is [B, T, C]."""

    def __init__(self, width: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, hidden)
        self.contract = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        near = self.norm(self.depthwise(x.transpose(1, 2)).transpose(1, 2))
        out: Tensor = x + self.contract(F.relu(self.expand(near)))
        return out


class IstftVocoder(nn.Module):
    """Magnitudes and phases of ``config.bins`` bins a fine frame, turned into audio."""

    def __init__(self, config: IstftConfig, inter: int, gin: int) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.conv_pre = nn.Conv1d(inter, width, 7, padding=3)
        self.cond = nn.Conv1d(gin, width, 1)
        self.norm_pre = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(SpectralBlock(width, hidden, config.kernel) for hidden in config.hidden)
        self.refine = nn.Linear(width, config.rate * width)
        self.norm_post = nn.LayerNorm(width)
        self.spectrum = nn.Linear(width, 2 * config.bins)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Small random weights; a block's share of the residual stream falls with their number."""
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Linear):
                module.weight.copy_(0.02 * torch.randn(module.weight.shape, generator=generator))
                assert module.bias is not None
                module.bias.zero_()
        for block in self.blocks:
            assert isinstance(block, SpectralBlock)
            block.contract.weight.mul_(2 / len(self.blocks))

    def forward(self, z: Tensor, g: Tensor) -> Tensor:
        x = self.norm_pre((self.conv_pre(z) + self.cond(g)).transpose(1, 2))
        for i, block in enumerate(self.blocks):
            x = block(self._refined(x) if i == len(self.config.coarse) else x)
        x = x if self.config.fine else self._refined(x)
        with torch.autocast(x.device.type, enabled=False):
            audio: Tensor = self._audio(self.spectrum(self.norm_post(x.float())))
        return audio

    def _refined(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, rate · T, C]."""
        finer: Tensor = self.refine(x)
        return finer.reshape(x.shape[0], -1, self.config.width)

    def _audio(self, spectra: Tensor) -> Tensor:
        """Log-magnitudes and phases [B, T, 2 bins] → [B, 1, T · hop]."""
        log_magnitude, phase = spectra.chunk(2, dim=-1)
        magnitude = torch.exp(log_magnitude.clamp(max=_LOUDEST))
        parts = torch.cat((magnitude * torch.cos(phase), magnitude * torch.sin(phase)), dim=-1)
        basis = synthesis_basis(self.config).to(parts.device)
        return overlap_add(torch.matmul(parts, basis), self.config).unsqueeze(1)


@lru_cache(maxsize=8)
def synthesis_basis(config: IstftConfig) -> Tensor:
    """Real, then imaginary parts of the bins → one windowed frame of samples [2 bins, n_fft]; no weight.

    The Hann windows of all frames add up to one.
    """
    with torch.inference_mode(False):  # kept for later calls, of which some may train
        n_fft = config.n_fft
        bins, places = torch.arange(config.bins), torch.arange(n_fft)
        angles = (bins[:, None] * places % n_fft) * (2 * math.pi / n_fft)
        weights, window = bin_weights(config)[:, None], synthesis_window(config)
        return torch.cat((weights * torch.cos(angles), -weights * torch.sin(angles))) * window


def bin_weights(config: IstftConfig) -> Tensor:
    """How often a real signal's spectrum has each bin, over the number of samples [bins]."""
    bins = torch.arange(config.bins)
    return torch.where((bins == 0) | (2 * bins == config.n_fft), 1.0, 2.0) / config.n_fft


def synthesis_window(config: IstftConfig) -> Tensor:
    """A periodic Hann window whose overlaps add up to one [n_fft]."""
    places = torch.arange(config.n_fft)
    return (0.5 - 0.5 * torch.cos(places * (2 * math.pi / config.n_fft))) * (2 / config.overlap)


def overlap_add(frames: Tensor, config: IstftConfig) -> Tensor:
    """Frames [B, T, n_fft], a hop apart → the samples in the middle of each [B, T · hop]."""
    count, last = frames.shape[1], config.overlap - 1
    pieces = frames.reshape(*frames.shape[:2], config.overlap, config.hop).unbind(2)
    rows = sum(F.pad(piece, (0, 0, i, last - i)) for i, piece in enumerate(pieces))
    assert isinstance(rows, Tensor)
    start = (config.n_fft - config.hop) // 2
    return rows.flatten(1)[:, start : start + count * config.hop]


def new_spare(config: SovitsConfig, spare: IstftConfig, seed: int) -> IstftVocoder:
    """An untrained vocoder for the latents of ``config``."""
    vocoder = IstftVocoder(spare, config.inter, config.gin)
    vocoder.initialise(torch.Generator().manual_seed(seed))
    return vocoder
