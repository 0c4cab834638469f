"""The reference model's sizes: small, of GPT-SoVITS's own architecture, and redundant enough to compress."""

from autocompress.models.config import (
    AudioConfig,
    GptConfig,
    QuantizerConfig,
    SovitsConfig,
    StyleConfig,
    WaveNetSize,
    halving_vocoder,
)

N_CODES = 512
UNSEEN_VOICES = frozenset({"am_echo", "bf_alice", "af_aoede", "bm_lewis"})


def gpt_config(dropout: float = 0.0) -> GptConfig:
    """8 layers of 288: about 9 M parameters."""
    return GptConfig.uniform(layers=8, width=288, heads=9, semantic_vocab=N_CODES + 1, dropout=dropout)


def sovits_config() -> SovitsConfig:
    """16 kHz, 50 frames a second, a HiFi-GAN of 256 channels in five stages: about 10 M to decode."""
    return SovitsConfig.uniform(
        version="v2",
        hidden=128,
        inter=128,
        gin=192,
        ffn=384,
        heads=2,
        layers=4,
        mrte_hidden=192,
        vocoder=halving_vocoder(256, (10, 4, 2, 2, 2), (16, 8, 4, 4, 4)),
        flow=WaveNetSize(128, 4),
        posterior=WaveNetSize(128, 6),
        style=StyleConfig(bins=352),
        quantizer=QuantizerConfig(N_CODES, 384),
        audio=AudioConfig(sample_rate_hz=16_000, n_fft=1024, hop=320, win=1024),
    )
