"""A corpus of noise and networks that train on it in seconds."""

from collections.abc import Sequence

import numpy as np

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

HOP, CODES, RATE_HZ = 32, 16, 1600


def noise_dataset(clips: int = 4, n_validation: int = 1, lengths: Sequence[int] = (10, 16)) -> Dataset:
    """``clips`` each of emma, adam and ghost (unseen), of ``lengths[0]`` to below ``lengths[1]`` tokens."""
    rng = np.random.default_rng(0)
    rows = [(speaker, rank) for rank in range(clips) for speaker in ("emma", "adam", "ghost")]
    n_tokens = rng.integers(*lengths, len(rows))
    splits = [split_of(speaker, rank, frozenset({"ghost"}), n_validation) for speaker, rank in rows]
    return Dataset(
        tuple(Item(row[0], "words", "en", split) for row, split in zip(rows, splits, strict=True)),
        Ragged.of([rng.normal(0, 3000, 2 * HOP * n + 7).astype(np.int16) for n in n_tokens]),
        Ragged.of([rng.integers(0, CODES, n).astype(np.int16) for n in n_tokens]),
        Ragged.of([rng.integers(0, 732, 9).astype(np.int16) for _ in rows]),
        RATE_HZ,
        HOP,
    )


def tiny_gpt() -> GptConfig:
    return GptConfig.uniform(layers=1, width=16, heads=2, semantic_vocab=CODES + 1)


def tiny_sovits() -> SovitsConfig:
    return SovitsConfig.uniform(
        hidden=16, inter=8, gin=8, ffn=16, layers=2, mrte_hidden=8, couplings=1,
        vocoder=halving_vocoder(16, (4, 4, 2), (8, 8, 4)),
        flow=WaveNetSize(8, 1), posterior=WaveNetSize(8, 1),
        style=StyleConfig(bins=20, hidden=16, head_size=8),
        quantizer=QuantizerConfig(CODES, 12), audio=AudioConfig(RATE_HZ, 64, HOP, 64),
    )  # fmt: skip
