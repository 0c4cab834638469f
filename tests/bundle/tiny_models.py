"""Tiny networks whose graphs export in seconds, and a voice for them."""

from dataclasses import replace

import numpy as np
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
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.voice import Voice, VoiceOrigin

CODES, GIN, HOP, RATE_HZ = 24, 16, 16, 800
VOCODER = VocoderConfig(
    channels=12, stages=(StageSize(4, 8, 7, (3, 11)), StageSize(2, 4, 5, ()), StageSize(2, 2, 4, (7,)))
)
LIGHT_VOCODER = VocoderConfig(channels=4, stages=(StageSize(16, 16, 2, ()),))


def tiny_gpt(seed=0) -> Gpt:
    """Two blocks of different heads."""
    torch.manual_seed(seed)
    blocks = (BlockSize(2, 8, 24), BlockSize(1, 8, 16))
    return Gpt(GptConfig(16, blocks, semantic_vocab=CODES + 1)).eval().requires_grad_(False)


def tiny_sovits(vocoder=VOCODER, seed=1) -> Sovits:
    torch.manual_seed(seed)
    block = BlockSize(2, 6, 16)
    config = SovitsConfig(
        version="v2", phoneme_vocab=732, hidden=12, inter=8, gin=GIN,
        prior=PriorConfig((block,), (block,), (block,), MrteConfig(GIN, 2, 8)),
        couplings=(WaveNetSize(10, 2), WaveNetSize(6, 0)), vocoder=vocoder, posterior=WaveNetSize(8, 1),
        style=StyleConfig(bins=11, hidden=10, heads=2, head_size=5), quantizer=QuantizerConfig(CODES, 14),
        audio=AudioConfig(sample_rate_hz=RATE_HZ, n_fft=32, hop=HOP, win=32),
    )  # fmt: skip
    model = Sovits(config).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():  # couplings start as the identity
        if ".post." in name:
            torch.nn.init.normal_(parameter, std=0.3)
        if "conv_post" in name:  # an untrained vocoder is nearly silent
            parameter.mul_(20)
    return model


def tiny_voice(name="emma", seed=0) -> Voice:
    generator = np.random.default_rng(seed)
    return Voice(
        name, "en", "A short prompt.", generator.integers(CODES, size=9), generator.integers(1, 700, size=7),
        generator.standard_normal(GIN, np.float32) * np.float32(0.3), VoiceOrigin(("ab" * 32,), "v2"),
    )  # fmt: skip


def renamed(voice: Voice, name: str) -> Voice:
    return replace(voice, name=name)
