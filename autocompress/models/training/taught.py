"""What a teacher taught: utterances with all that it computed for them, and batches of them."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autocompress.errors import RunError
from autocompress.models.training.batches import PHONEME_MULTIPLE, TOKEN_MULTIPLE, pad


@dataclass(frozen=True, eq=False)
class Taught:
    """One utterance: P prompt phonemes and Y prompt tokens, then X phonemes and N tokens of its own.

    ``audio`` is what the teacher's SoVITS makes of the tokens with ``noise``; ``latents`` are what its flow
    gives to its vocoder. ``stopped``: the tokens end where they should; a cut one teaches no end.
    """

    prompt_phonemes: NDArray[np.int64]  # [P]
    prompt_tokens: NDArray[np.int64]  # [Y]
    phonemes: NDArray[np.int64]  # [X]
    tokens: NDArray[np.int64]  # [N]
    style: NDArray[np.float32]  # [gin]
    noise: NDArray[np.float16]  # [inter, 2 N], scaled
    latents: NDArray[np.float16]  # [inter, 2 N]
    audio: NDArray[np.int16]  # [2 N hop]
    stopped: NDArray[np.bool_]  # []
    bert: NDArray[np.float16]  # [width, P + X], or [0, 0] for zeros

    @property
    def recorded(self) -> bool:
        """Whether a person spoke it: its tokens are those of a recording, and nothing prompted them."""
        return not self.prompt_tokens.size

    def save(self, path: Path) -> None:
        """Whole or not at all; a full disk is a ``RunError``."""
        draft = path.with_suffix(".draft")
        try:
            with draft.open("wb") as file:
                np.savez(file, allow_pickle=False, **self._arrays())
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise RunError(
                f"{path} could not be written ({error}). Free some space, then run the same command again."
            ) from error

    @classmethod
    def load(cls, path: Path) -> "Taught | None":
        """What :meth:`save` wrote; None where nothing whole is there."""
        try:
            with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
                return cls(**{f.name: file[f.name] for f in fields(cls)})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True)
class TokenBatch:
    """Right-padded phonemes [B, X] and tokens [B, Y] of prompts and targets together, for the GPT."""

    phonemes: Tensor
    phoneme_lengths: Tensor
    tokens: Tensor
    token_lengths: Tensor
    stopped: Tensor  # [B]
    recorded: Tensor  # [B]
    bert: Tensor | None = None  # [B, width, X]


@dataclass(frozen=True)
class SoundBatch:
    """Right-padded codes [B, N], phonemes [B, X]; latents, noise [B, inter, 2 N]; audio [B, 1, 2 N hop]."""

    codes: Tensor
    code_lengths: Tensor
    phonemes: Tensor
    phoneme_lengths: Tensor
    style: Tensor  # [B, gin, 1]
    noise: Tensor
    latents: Tensor
    audio: Tensor


class TaughtSource:
    """Batches as a function of (seed, step); every epoch visits each utterance once."""

    def __init__(self, utterances: Sequence[Taught], seed: int) -> None:
        if not utterances:
            raise RunError("there is nothing to learn from: no utterance was taught. Give more sentences.")
        self.utterances = tuple(utterances)
        self._seed = seed

    def gpt(self, step: int, batch_size: int) -> TokenBatch:
        rows = self._draw(step, batch_size)
        phonemes = [_long(r.prompt_phonemes, r.phonemes) for r in rows]
        tokens = [_long(r.prompt_tokens, r.tokens) for r in rows]
        ids, id_lengths = pad(phonemes, PHONEME_MULTIPLE)
        stopped, recorded = (
            torch.tensor([bool(getattr(r, name)) for r in rows]) for name in ("stopped", "recorded")
        )
        bert = _padded_bert(rows, ids.shape[1])
        return TokenBatch(ids, id_lengths, *pad(tokens, TOKEN_MULTIPLE), stopped, recorded, bert)

    def sovits(self, step: int, batch_size: int) -> SoundBatch:
        rows = self._draw(step, batch_size)
        codes, lengths = pad([_long(r.tokens) for r in rows], TOKEN_MULTIPLE)
        frames = 2 * codes.shape[1]
        hop = len(rows[0].audio) // (2 * len(rows[0].tokens))
        return SoundBatch(
            codes,
            lengths,
            *pad([_long(r.phonemes) for r in rows], PHONEME_MULTIPLE),
            torch.from_numpy(np.stack([r.style for r in rows]))[..., None],
            _stacked([r.noise for r in rows], frames),
            _stacked([r.latents for r in rows], frames),
            _stacked([r.audio[None] for r in rows], frames * hop) / 32768.0,
        )

    def _draw(self, step: int, batch_size: int) -> list[Taught]:
        count = len(self.utterances)
        places = (divmod(place, count) for place in range(step * batch_size, (step + 1) * batch_size))
        return [self.utterances[self._order(epoch)[index]] for epoch, index in places]

    def _order(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng((self._seed, epoch)).permutation(len(self.utterances))


def _long(*parts: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.int64))


def _stacked(rows: Sequence[NDArray[Any]], length: int) -> Tensor:
    """Rows [C, n_i] padded with zeros → [B, C, length]."""
    padded = [np.pad(row.astype(np.float32), ((0, 0), (0, length - row.shape[1]))) for row in rows]
    return torch.from_numpy(np.stack(padded))


def _padded_bert(rows: Sequence[Taught], length: int) -> Tensor | None:
    if not any(row.bert.size for row in rows):
        return None
    width = max(row.bert.shape[0] for row in rows)
    return _stacked([row.bert if row.bert.size else np.zeros((width, 0), np.float16) for row in rows], length)
