"""Tiny networks of every version, with sizes that differ layer by layer."""

from dataclasses import replace

import torch

from autocompress.models.config import (
    AudioConfig,
    BlockSize,
    GptConfig,
    IstftConfig,
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
from autocompress.models.sovits.synthesizer import Sovits, TrainingBatch

AUDIO = AudioConfig(sample_rate_hz=800, n_fft=32, hop=16, win=32)
VOCODER = VocoderConfig(
    channels=12,
    stages=(StageSize(4, 8, 7, (3, 11)), StageSize(2, 4, 5, ()), StageSize(2, 2, 4, (7,))),
)
SPECTRAL = IstftConfig(width=12, coarse=(20, 7), fine=(9,), hop=8, rate=2, overlap=3, kernel=5)


def uneven_config(version="v2") -> SovitsConfig:
    """Every size that may differ by layer differs."""
    pro = version.startswith("v2P")
    return SovitsConfig(
        version=version,
        phoneme_vocab=40,
        hidden=12,
        inter=8,
        gin=6 if pro else 16,
        prior=PriorConfig(
            ssl_blocks=(BlockSize(1, 5, 20),),
            text_blocks=(BlockSize(2, 6, 9), BlockSize(3, 2, 30), BlockSize(1, 12, 5)),
            joint_blocks=(BlockSize(2, 3, 7), BlockSize(4, 3, 11)),
            mrte=MrteConfig(16, 3, 5),
        ),
        couplings=(WaveNetSize(10, 2), WaveNetSize(6, 0), WaveNetSize(7, 3, kernel=3), WaveNetSize(4, 1)),
        vocoder=VOCODER,
        posterior=WaveNetSize(9, 3),
        style=StyleConfig(bins=11, hidden=10, heads=2, head_size=5),
        quantizer=QuantizerConfig(24, 14),
        audio=AUDIO,
        speaker_width=13 if pro else 0,
    )


def uneven_sovits(version="v2", **kwargs) -> Sovits:
    torch.manual_seed(3)
    model = Sovits(uneven_config(version), **kwargs).eval()
    for name, parameter in model.named_parameters():  # couplings start as the identity
        if ".post." in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def spectral_sovits() -> Sovits:
    """Its vocoder predicts spectra; nothing of it is so small that it could be left out unnoticed."""
    model = Sovits(replace(uneven_config(), vocoder=SPECTRAL)).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(6)
    for name, parameter in model.named_parameters():
        if name.startswith("dec.") or ".post." in name:
            parameter.copy_(parameter + 0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def small_upstream_gpt(version="v2") -> Gpt:
    """A shape that upstream's class can hold."""
    torch.manual_seed(4)
    config = GptConfig.uniform(layers=2, width=16, heads=4, phoneme_vocab=512 if version == "v1" else 732)
    return Gpt(config).eval().requires_grad_(False)


def small_upstream_sovits(version="v2") -> Sovits:
    """Small, but with upstream's own key names and depths (not all sizes that upstream fixes)."""
    torch.manual_seed(5)
    pro = version.startswith("v2P")
    stages = (
        StageSize(10, 20 if version == "v2ProPlus" else 16, 8, (3, 7, 11)),
        StageSize(64, 64, 4, (3, 7, 11)),
    )
    config = SovitsConfig.uniform(
        version=version,
        hidden=8,
        inter=4,
        gin=6 if pro else 16,
        ffn=12,
        layers=2,
        mrte_hidden=16,
        vocoder=VocoderConfig(16, stages),
        quantizer=QuantizerConfig(1024, 8),
        style=StyleConfig(bins=1025 if version == "v1" else 704, hidden=8, head_size=4),
    )
    return Sovits(replace(config)).eval().requires_grad_(False)


def training_batch(sovits, lengths=(12, 7), texts=(6, 4), seed=0) -> TrainingBatch:
    generator = torch.Generator().manual_seed(seed)
    config, n = sovits.config, len(lengths)
    frames = max(lengths)
    return TrainingBatch(
        spec=torch.rand(n, config.audio.bins, frames, generator=generator),
        spec_lengths=torch.tensor(lengths),
        text_ids=torch.randint(config.phoneme_vocab, (n, max(texts)), generator=generator),
        text_lengths=torch.tensor(texts),
        codes=torch.randint(config.quantizer.codes, (n, -(-frames // 2)), generator=generator),
        speaker=torch.randn(n, config.speaker_width, generator=generator) if config.pro else None,
    )
