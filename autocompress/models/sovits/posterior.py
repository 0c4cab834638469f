"""The posterior encoder (upstream: enc_q), for training only: spectrogram [B, bins, T] → Gaussian over z."""

from torch import Tensor, nn

from autocompress.models.config import SovitsConfig
from autocompress.models.sovits.flow import WaveNet
from autocompress.models.sovits.layers import masked
from autocompress.models.sovits.prior import Gaussian


class PosteriorEncoder(nn.Module):
    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        self.pre = nn.Conv1d(config.audio.bins, config.posterior.hidden, 1)
        self.enc = WaveNet(config.posterior, config.gin)
        self.proj = nn.Conv1d(config.posterior.hidden, 2 * config.inter, 1)

    def forward(self, spec: Tensor, mask: Tensor | None, g: Tensor) -> Gaussian:
        x = self.enc(masked(self.pre(spec), mask), mask, g)
        mean, log_std = masked(self.proj(x), mask).chunk(2, dim=1)
        return Gaussian(mean, log_std)
