"""Sampling of semantic tokens and the generation loop, in the original's order and with its stop rules."""

from dataclasses import dataclass

import torch
from torch import Tensor

from autocompress.errors import AudioError
from autocompress.models.gpt import Gpt

EOS_FREE_PREDICTIONS = 11
LOOP_LIMIT = 1500


@dataclass(frozen=True)
class SamplingSettings:
    """Upstream's Python API defaults."""

    top_k: int = 15
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.35


@dataclass(frozen=True)
class Generation:
    """New semantic tokens, and the index that upstream's loop returns beside them.

    Upstream's callers slice the last ``index`` tokens: after a stop by EOS these are all of them,
    after a stop by length the first is lost, and 0 (prompt-free) means all.
    """

    tokens: Tensor  # int64 [N]
    index: int
    stopped_by_eos: bool

    @property
    def callers_tokens(self) -> Tensor:
        return self.tokens if self.index == 0 else self.tokens[-self.index :]


def penalize(logits: Tensor, previous: Tensor, repetition_penalty: float) -> Tensor:
    """logits [B, V], previous tokens [B, n]: each token seen is pushed down once, however often it came."""
    if repetition_penalty == 1.0 or previous.shape[1] == 0:
        return logits
    seen = logits.gather(1, previous)
    pushed = torch.where(seen < 0, seen * repetition_penalty, seen / repetition_penalty)
    return logits.scatter(1, previous, pushed)


def probabilities(penalized: Tensor, settings: SamplingSettings) -> Tensor:
    """Penalised logits [B, V] → probabilities: top-p (untempered), temperature, top-k, softmax."""
    logits = penalized
    if settings.top_p < 1.0:
        logits = _top_p(logits, settings.top_p)
    logits = logits / max(settings.temperature, 1e-5)
    if settings.top_k > 0:
        kth = torch.topk(logits, min(settings.top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    return torch.softmax(logits, dim=-1)


def _top_p(logits: Tensor, top_p: float) -> Tensor:
    """Drops every token whose own cumulative probability exceeds ``top_p``, never the first."""
    order = torch.sort(logits, descending=True)
    drop = torch.softmax(order.values, dim=-1).cumsum(-1) > top_p
    drop[:, 0] = False
    return logits.masked_fill(drop.scatter(1, order.indices, drop), -torch.inf)


def draw(probs: Tensor, generator: torch.Generator | None) -> Tensor:
    """One token a row, [B, 1], by an exponential race."""
    race = torch.empty_like(probs).exponential_(1.0, generator=generator)
    return torch.argmax(probs / race, dim=-1, keepdim=True)


@torch.no_grad()
def generate(
    gpt: Gpt,
    phoneme_ids: Tensor,
    bert: Tensor | None,
    prompt: Tensor | None,
    settings: SamplingSettings | None = None,
    *,
    generator: torch.Generator | None = None,
    early_stop_tokens: int | None = None,
) -> Generation:
    """Speak phonemes [1, X] after ``prompt`` [1, Y] (None: no prompt) until EOS or too many tokens.

    ``early_stop_tokens`` n ends the loop with n + 1 tokens; the default is the configuration's.
    """
    settings = settings or SamplingSettings()
    history = phoneme_ids.new_zeros(1, 0) if prompt is None else prompt
    prompt_len = history.shape[1]
    limit = gpt.config.max_tokens if early_stop_tokens is None else early_stop_tokens
    first = gpt.prefill(phoneme_ids, bert, history, room=min(limit + 1, LOOP_LIMIT))
    logits, cache, by_eos = first.logits, first.cache, False
    for index in range(LOOP_LIMIT):
        token, by_eos = _choose(logits, history, settings, index, generator)
        history = torch.cat((history, token), dim=1)
        if by_eos or history.shape[1] - prompt_len > limit:
            break
        if index + 1 < LOOP_LIMIT:
            logits = gpt.step(token, prompt_len + index, cache)
    tokens = history[0, prompt_len:]
    kept = tokens[:-1] if by_eos else tokens
    return Generation(kept, _upstream_index(len(kept), by_eos, prompt_len), by_eos)


def _choose(
    logits: Tensor, history: Tensor, settings: SamplingSettings, index: int, generator: torch.Generator | None
) -> tuple[Tensor, bool]:
    """The next token, and whether EOS ends the loop (drawn, or best of the penalised logits)."""
    eos = logits.shape[-1] - 1
    if logits.isnan().any():
        raise AudioError(f"the GPT predicts NaN for token {index}: its weights or inputs are no numbers.")
    allowed = logits[:, :-1] if index < EOS_FREE_PREDICTIONS else logits
    penalized = penalize(allowed, history, settings.repetition_penalty)
    token = draw(probabilities(penalized, settings), generator)
    return token, bool(token.item() == eos or penalized.argmax(-1).item() == eos)


def _upstream_index(kept: int, by_eos: bool, prompt_len: int) -> int:
    if prompt_len == 0:
        return 0
    return kept if by_eos else kept - 1
