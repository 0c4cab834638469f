"""A corpus of noise: small enough to train on in seconds."""

import numpy as np
import pytest

from autocompress.models.config import (
    AudioConfig,
    GptConfig,
    QuantizerConfig,
    SovitsConfig,
    StyleConfig,
    WaveNetSize,
    halving_vocoder,
)
from autocompress.models.training.dataset import Dataset, Item, Ragged, split_of

HOP, CODES = 32, 16


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    speakers = ["emma", "adam", "ghost"]
    items, waves, tokens, phonemes = [], [], [], []
    for rank in range(4):
        for speaker in speakers:
            split = split_of(speaker, rank, frozenset({"ghost"}), 1)
            items.append(Item(speaker, "words", "en", split))
            n_tokens = int(rng.integers(10, 16))
            waves.append(rng.normal(0, 3000, 2 * HOP * n_tokens + 7).astype(np.int16))
            tokens.append(rng.integers(0, CODES, n_tokens).astype(np.int16))
            phonemes.append(rng.integers(0, 732, 9).astype(np.int16))
    return Dataset(tuple(items), Ragged.of(waves), Ragged.of(tokens), Ragged.of(phonemes), 1600, HOP)


@pytest.fixture
def gpt_config() -> GptConfig:
    return GptConfig.uniform(layers=1, width=16, heads=2, semantic_vocab=CODES + 1)


@pytest.fixture
def sovits_config() -> SovitsConfig:
    return SovitsConfig.uniform(
        hidden=16, inter=8, gin=8, ffn=16, layers=2, mrte_hidden=8, couplings=1,
        vocoder=halving_vocoder(16, (4, 4, 2), (8, 8, 4)),
        flow=WaveNetSize(8, 1), posterior=WaveNetSize(8, 1),
        style=StyleConfig(bins=20, hidden=16, head_size=8),
        quantizer=QuantizerConfig(CODES, 12), audio=AudioConfig(1600, 64, HOP, 64),
    )  # fmt: skip
