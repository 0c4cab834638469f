"""From a corpus to a dataset: load, resample, features, projection, codebook, tokens, phonemes."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from autocompress.models.audio import load_clip
from autocompress.models.mel import FloatArray
from autocompress.models.training.codebook import fit_codebook, nearest_code, perplexity
from autocompress.models.training.corpus import Clip
from autocompress.models.training.dataset import GPT_ONLY, TRAIN, Dataset, Item, Ragged, split_of
from autocompress.models.training.projection import Projection, fit_projection

CONTENT_RATE_HZ = 16_000
TOKENS_PER_SECOND = 25

ContentEncoder = Callable[[FloatArray], FloatArray]
Phonemizer = Callable[[str, str], Sequence[int]]


@dataclass(frozen=True)
class Preparation:
    """What decides a dataset besides the recordings."""

    unseen: frozenset[str]
    n_validation: int = 2
    n_codes: int = 512
    sample_rate_hz: int = 16_000
    hop: int = 320
    seed: int = 0


def prepare(
    clips: Sequence[Clip],
    content: ContentEncoder,
    phonemize: Phonemizer,
    settings: Preparation,
    folder: Path,
    report: Callable[[str, int, int], None],
) -> Dataset:
    """Write the dataset and ``tokenizer.safetensors`` (projection and codebook) into ``folder``.

    The projection and the codebook are fitted on the training split alone.
    """
    splits = split_clips(clips, settings)
    waves, features = [], []
    for index, clip in enumerate(clips):
        recording = load_clip(clip.path)
        waves.append(recording.at_rate(settings.sample_rate_hz))
        features.append(content(recording.at_rate(CONTENT_RATE_HZ)))
        report("content features", index + 1, len(clips))
    training = [row for row, split in zip(features, splits, strict=True) if split == TRAIN]
    projection = fit_projection(training)
    codebook = fit_codebook(
        torch.cat([projection(torch.from_numpy(row)) for row in training]), settings.n_codes, settings.seed
    )
    tokens = [_tokens(row, projection, codebook) for row in features]
    report(f"codebook, perplexity {_perplexity(tokens, settings.n_codes):.0f}", 1, 1)
    dataset = Dataset(
        items=tuple(Item(c.speaker, c.text, c.language, s) for c, s in zip(clips, splits, strict=True)),
        waves=Ragged.of([_int16(wave) for wave in waves]),
        tokens=Ragged.of(tokens),
        phonemes=Ragged.of([np.array(phonemize(c.text, c.language), dtype=np.int16) for c in clips]),
        sample_rate_hz=settings.sample_rate_hz,
        hop=settings.hop,
    )
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {"ssl_proj.weight": projection.weight, "ssl_proj.bias": projection.bias, "codebook": codebook},
        folder / "tokenizer.safetensors",
    )
    dataset.save(folder)
    return dataset


def split_clips(clips: Sequence[Clip], settings: Preparation) -> list[str]:
    """The split of every clip, in their order."""
    seen: Counter[str] = Counter()
    splits = []
    for clip in clips:
        split = split_of(clip.speaker, seen[clip.speaker], settings.unseen, settings.n_validation)
        splits.append(GPT_ONLY if clip.gpt_only else split)
        seen[clip.speaker] += 1
    return splits


def _tokens(features: FloatArray, projection: Projection, codebook: torch.Tensor) -> np.ndarray:
    return nearest_code(projection(torch.from_numpy(features)), codebook).numpy().astype(np.int16)


def _perplexity(tokens: Sequence[np.ndarray], n_codes: int) -> float:
    return perplexity(torch.from_numpy(np.concatenate(tokens).astype(np.int64)), n_codes)


def _int16(wave: FloatArray) -> np.ndarray:
    return np.clip(np.round(wave * 32767.0), -32768, 32767).astype(np.int16)
