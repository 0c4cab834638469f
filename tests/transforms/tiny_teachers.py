"""Networks of a few thousand weights with every part that the transforms touch."""

import torch

from autocompress.models.config import (
    AudioConfig,
    GptConfig,
    IstftConfig,
    QuantizerConfig,
    SovitsConfig,
    StageSize,
    StyleConfig,
    VocoderConfig,
    WaveNetSize,
)
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.istft import new_spare
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.transforms import GptBatch, SovitsBatch

KERNELS = (3, 7, 11)


def tiny_gpt() -> Gpt:
    torch.manual_seed(0)
    config = GptConfig.uniform(layers=4, width=32, heads=4, phoneme_vocab=20, semantic_vocab=33)
    return Gpt(config).eval().requires_grad_(False)


def tiny_sovits() -> Sovits:
    torch.manual_seed(1)
    config = SovitsConfig.uniform(
        hidden=12,
        inter=8,
        gin=16,
        ffn=48,
        layers=4,
        mrte_hidden=16,
        phoneme_vocab=40,
        flow=WaveNetSize(16, 3),
        posterior=WaveNetSize(8, 2),
        style=StyleConfig(bins=11, hidden=10, heads=2, head_size=5),
        quantizer=QuantizerConfig(24, 14),
        audio=AudioConfig(sample_rate_hz=800, n_fft=32, hop=16, win=32),
        vocoder=VocoderConfig(32, (StageSize(4, 8, 16, KERNELS), StageSize(4, 8, 8, KERNELS))),
    )
    sovits = Sovits(config).eval().requires_grad_(False)
    for name, parameter in sovits.named_parameters():
        if ".post." in name:  # couplings start as the identity
            torch.nn.init.normal_(parameter, std=0.3)
    return sovits


def spare_sovits() -> Sovits:
    """The same with a spare vocoder, loud enough for a pruned feature to be felt."""
    sovits = tiny_sovits()
    spare = new_spare(sovits.config, IstftConfig(12, (24,), (16,), hop=8, rate=2, overlap=4), seed=0)
    torch.manual_seed(4)
    for name, parameter in spare.named_parameters():
        if "norm" not in name:
            parameter.data += 0.3 * torch.randn_like(parameter)
    sovits.attach(spare)
    return sovits


def gpt_batch() -> GptBatch:
    torch.manual_seed(2)
    codes = torch.randint(32, (2, 9))
    return GptBatch(torch.randint(20, (2, 7)), torch.tensor([7, 4]), codes, torch.tensor([9, 6]))


def sovits_batch() -> SovitsBatch:
    torch.manual_seed(3)
    style, noise = torch.randn(1, 16, 1), torch.randn(1, 8, 10) * 0.5
    return SovitsBatch(torch.randint(24, (1, 5)), torch.randint(40, (1, 6)), style, noise)
