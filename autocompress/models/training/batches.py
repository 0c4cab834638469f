"""Training batches as a function of (seed, step): any step can be made again, so a run resumes anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from autocompress.models.training.dataset import TRAIN, Dataset


@dataclass(frozen=True)
class GptBatch:
    """Padded phonemes [B, X] and tokens [B, Y] with their lengths [B]."""

    phonemes: Tensor
    phoneme_lengths: Tensor
    tokens: Tensor
    token_lengths: Tensor


@dataclass(frozen=True)
class SovitsBatch:
    """One padded batch of whole clips; N tokens a clip are 2 N frames and 2 N · hop samples.

    waves [B, 2 N hop], codes [B, N], code_lengths [B], phonemes [B, P], phoneme_lengths [B],
    references [B, R hop] (another clip of the same speaker, cut or repeated to R frames).
    """

    waves: Tensor
    codes: Tensor
    code_lengths: Tensor
    phonemes: Tensor
    phoneme_lengths: Tensor
    references: Tensor


# Lengths are padded up to a multiple: oneDNN compiles a kernel for every new shape of every layer, which took
# half of a step's time while each batch had a shape of its own.
TOKEN_MULTIPLE = 32
PHONEME_MULTIPLE = 32


def pad(rows: Sequence[Tensor], multiple: int) -> tuple[Tensor, Tensor]:
    """Rows [n_i] → [B, n] padded with zeros, n the longest rounded up to ``multiple``; and lengths [B]."""
    lengths = torch.tensor([len(row) for row in rows])
    padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    return torch.nn.functional.pad(padded, (0, -padded.shape[1] % multiple)), lengths


class HasTokens(Protocol):
    """Any batch of semantic tokens [B, Y]: a dataclass that can be replaced field by field."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def tokens(self) -> Tensor: ...


Tokens = TypeVar("Tokens", bound=HasTokens)


def with_token_noise(
    batch: Tokens, share: float, eos: int, generator: torch.Generator | None = None
) -> Tokens:
    """A share of the input tokens replaced by random ones, as a GPT's own mistakes would."""
    swap = torch.rand(batch.tokens.shape, generator=generator) < share
    strangers = torch.randint(eos, batch.tokens.shape, generator=generator)
    return replace(batch, tokens=torch.where(swap, strangers, batch.tokens))


class BatchSource:
    """Draws clips of some splits; every epoch visits each clip once, in an order of its own."""

    def __init__(self, dataset: Dataset, seed: int, splits: Sequence[str] = (TRAIN,)) -> None:
        self._data = dataset
        self._seed = seed
        self._rows = np.array(dataset.rows(*splits))
        self._peers = dataset.by_speaker(*splits)

    def gpt(self, step: int, batch_size: int, joined: float = 0.5) -> GptBatch:
        """Sentences; in a share ``joined`` of the batches two of one speaker, like prompt and target.

        Whole batches, not single rows, are joined: rows of about one length waste little on padding.
        """
        rng = np.random.default_rng((self._seed, 1, step))
        pairs = rng.random() < joined
        phonemes, tokens = [], []
        for row in self._draw(step, batch_size):
            chosen = [self._peer(row, rng), row] if pairs else [row]
            phonemes.append(_joined([self._data.phonemes[r] for r in chosen]))
            tokens.append(_joined([self._data.tokens[r] for r in chosen]))
        return GptBatch(*pad(phonemes, PHONEME_MULTIPLE), *pad(tokens, 2 * TOKEN_MULTIPLE))

    def sovits(self, step: int, batch_size: int, reference_frames: int = 150) -> SovitsBatch:
        """Whole clips, each with a reference of its own speaker."""
        rng = np.random.default_rng((self._seed, 2, step))
        rows = self._draw(step, batch_size)
        codes, code_lengths = pad([_long(self._data.tokens[row]) for row in rows], TOKEN_MULTIPLE)
        samples = 2 * self._data.hop * TOKEN_MULTIPLE
        waves, _ = pad([torch.from_numpy(self._data.wave(row)) for row in rows], samples)
        phonemes, phoneme_lengths = pad([_long(self._data.phonemes[row]) for row in rows], PHONEME_MULTIPLE)
        references = torch.stack([self._reference(row, reference_frames, rng) for row in rows])
        return SovitsBatch(waves, codes, code_lengths, phonemes, phoneme_lengths, references)

    def _draw(self, step: int, batch_size: int) -> list[int]:
        first = step * batch_size
        drawn = []
        for place in range(first, first + batch_size):
            epoch, index = divmod(place, len(self._rows))
            drawn.append(int(self._rows[self._order(epoch)[index]]))
        return drawn

    def _order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self._seed, 0, epoch)).permutation(len(self._rows))

    def _peer(self, row: int, rng: np.random.Generator) -> int:
        peers = self._peers[self._data.items[row].speaker]
        return int(peers[rng.integers(len(peers))])

    def _reference(self, row: int, frames: int, rng: np.random.Generator) -> Tensor:
        wave = self._data.wave(self._peer(row, rng))
        wanted = frames * self._data.hop
        repeated = np.resize(wave, max(wanted, len(wave)))
        start = int(rng.integers(len(repeated) - wanted + 1))
        return torch.from_numpy(repeated[start : start + wanted].copy())


def _long(row: np.ndarray) -> Tensor:
    return torch.from_numpy(row.astype(np.int64))


def _joined(rows: Sequence[np.ndarray]) -> Tensor:
    return torch.cat([_long(row) for row in rows])
