"""Two small networks, every kind of layer in them, whose graphs all tests of precision and export share."""

from dataclasses import dataclass
from pathlib import Path

import torch

from autocompress.models.config import (
    AudioConfig,
    BlockSize,
    GptConfig,
    MrteConfig,
    PriorConfig,
    QuantizerConfig,
    SovitsConfig,
    StageSize,
    StyleConfig,
    VocoderConfig,
    WaveNetSize,
)
from autocompress.models.gpt import Gpt
from autocompress.models.onnx import export_graphs
from autocompress.models.sovits.synthesizer import Sovits


@dataclass(frozen=True)
class ExportedNetworks:
    gpt: Gpt
    sovits: Sovits
    paths: dict[str, Path]  # prefill, step, sovits


def make_gpt() -> Gpt:
    """Heads that differ by block, a width that int4 blocks divide, and a low-rank feed-forward."""
    torch.manual_seed(0)
    blocks = (BlockSize(2, 32, 96), BlockSize(1, 32, 80, rank=16))
    return Gpt(GptConfig(64, blocks, semantic_vocab=129)).eval().requires_grad_(False)


def make_sovits() -> Sovits:
    """Channels that int4 blocks do not divide, a removed coupling, a stage without residual blocks."""
    torch.manual_seed(1)
    block = BlockSize(2, 16, 64)
    vocoder = VocoderConfig(
        channels=36,
        stages=(StageSize(4, 8, 24, (3, 7)), StageSize(2, 4, 12, ()), StageSize(2, 2, 8, (3,))),
    )
    config = SovitsConfig(
        version="v2", phoneme_vocab=732, hidden=32, inter=16, gin=16,
        prior=PriorConfig((block,), (block,), (block,), MrteConfig(16, 2, 8)),
        couplings=(WaveNetSize(24, 2), WaveNetSize(6, 0)), vocoder=vocoder, posterior=WaveNetSize(8, 1),
        style=StyleConfig(bins=11, hidden=10, heads=2, head_size=5), quantizer=QuantizerConfig(64, 14),
        audio=AudioConfig(sample_rate_hz=800, n_fft=32, hop=16, win=32),
    )  # fmt: skip
    model = Sovits(config).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():  # couplings start as the identity
        if ".post." in name:
            torch.nn.init.normal_(parameter, std=0.3)
        if "conv_post" in name:  # an untrained vocoder is nearly silent
            parameter.mul_(20)
    return model


def export_networks(folder: Path) -> ExportedNetworks:
    gpt, sovits = make_gpt(), make_sovits()
    with torch.no_grad():
        return ExportedNetworks(gpt, sovits, export_graphs(gpt, sovits, folder, bert=False))
