"""A whole teacher of a few thousand random weights: it speaks noise at 16 kHz, and everything runs on it."""

import numpy as np
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
from autocompress.models.speech import TextFrontEnd
from autocompress.models.teacher import Teacher
from autocompress.models.voice import Voice, VoiceOrigin
from autocompress.models.voices import VoiceMaker

CODES, GIN = 32, 16
GPT = GptConfig.uniform(layers=4, width=32, heads=4, semantic_vocab=CODES + 1)
SOVITS = SovitsConfig.uniform(
    hidden=16,
    inter=8,
    gin=GIN,
    ffn=64,
    layers=4,
    mrte_hidden=GIN,
    couplings=4,
    flow=WaveNetSize(16, 4),
    posterior=WaveNetSize(8, 2),
    style=StyleConfig(bins=11, hidden=10, heads=2, head_size=5),
    quantizer=QuantizerConfig(CODES, 14),
    audio=AudioConfig(sample_rate_hz=16_000, n_fft=1024, hop=320, win=1024),
    vocoder=VocoderConfig(32, (StageSize(20, 40, 16, (3, 7, 11)), StageSize(16, 32, 8, (3, 7, 11)))),
)
SPARE = IstftConfig(width=16, coarse=(48, 32), fine=(48,), hop=160, rate=2)


def tiny_teacher(seed: int = 0, *, spare: bool = False) -> Teacher:
    """One voice, ``ada``; the same weights for the same seed. ``spare``: with an untrained second vocoder."""
    torch.manual_seed(seed)
    gpt = Gpt(GPT).eval().requires_grad_(False)
    sovits = Sovits(SOVITS).eval().requires_grad_(False)
    with torch.no_grad():
        for name, parameter in sovits.named_parameters():
            if ".post." in name:  # couplings start as the identity
                torch.nn.init.normal_(parameter, std=0.3)
            if "conv_post" in name:  # an untrained vocoder is nearly silent
                parameter.mul_(20)
    if spare:
        sovits.attach(new_spare(SOVITS, SPARE, seed))
    return Teacher(
        gpt, sovits, TextFrontEnd("v2"), VoiceMaker(sovits, "tiny"), {"ada": tiny_voice("ada")}, "tiny"
    )


def tiny_voice(name: str, seed: int = 0) -> Voice:
    generator = np.random.default_rng(seed)
    return Voice(
        name,
        "en",
        "A short prompt.",
        generator.integers(CODES, size=9),
        generator.integers(1, 700, size=7),
        0.3 * generator.standard_normal(GIN).astype(np.float32),
        VoiceOrigin(("ab" * 32,), "v2"),
    )
