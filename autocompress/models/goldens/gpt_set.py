"""The arrays of an s1 set: prefill, caches, teacher-forced steps, greedy decoding, the original's loop."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from autocompress.models.goldens.scorecard import LATENT_ATOL, LOGITS_ATOL, Scorecard
from autocompress.models.gpt import Gpt, Prefill
from autocompress.models.sampling import EOS_FREE_PREDICTIONS, SamplingSettings, generate

PANEL_LIMIT, PROMPT_FREE_LIMIT = 40, 15
TAIL_LOGITS, TAIL_CACHE = 8, 4


@torch.no_grad()
def score_gpt(gpt: Gpt, card: Scorecard, entry: Mapping[str, Any]) -> None:
    """Run everything that the set stores; ``entry`` is its part of the manifest."""
    ids, bert, prompt, forced = card.inputs("phoneme_ids", "bert", "prompt_tokens", "forced_tokens")
    steps = card.length("greedy_tokens", 20)
    first = gpt.prefill(ids, bert, prompt, room=max(steps, forced.shape[1]))
    _score_prefill(gpt, first, card)
    place = prompt.shape[1]
    logits = [gpt.step(forced[:, i : i + 1], place + i, first.cache) for i in range(forced.shape[1])]
    card.close("forced_logits", torch.stack(logits, dim=1), atol=LOGITS_ATOL)
    tokens, chosen_from = greedy(gpt, gpt.prefill(ids, bert, prompt, room=steps), place, steps)
    card.equal("greedy_tokens", tokens)
    card.close("greedy_logits", chosen_from, atol=LOGITS_ATOL)
    _score_panels(gpt, ids, bert, prompt, card, entry)


def _score_prefill(gpt: Gpt, first: Prefill, card: Scorecard) -> None:
    card.close("prefill_hidden_last", first.hidden[:, -1], atol=LATENT_ATOL)
    card.close("prefill_logits", first.logits, atol=LOGITS_ATOL)
    tail = gpt.ar_predict_layer(first.hidden[:, -TAIL_LOGITS:])
    card.close("prefill_logits_all_audio_positions", tail, atol=LOGITS_ATOL)
    filled = slice(first.cache.length - TAIL_CACHE, first.cache.length)
    for name, states in (("k", first.cache.keys[0]), ("v", first.cache.values[0])):
        rows = states[:, :, filled].transpose(1, 2).flatten(2)
        card.close(f"layer0_{name}_cache_prefill", rows, atol=LATENT_ATOL)


def greedy(gpt: Gpt, first: Prefill, place: int, steps: int) -> tuple[Tensor, Tensor]:
    """Plain argmax without penalty, EOS cut from the first predictions → tokens [S], logits [1, S, V]."""
    tokens: list[Tensor] = []
    logits = [first.logits]
    for i in range(steps):
        allowed = logits[i][:, :-1] if i < EOS_FREE_PREDICTIONS else logits[i]
        tokens.append(allowed.argmax(-1))
        if i + 1 < steps:
            logits.append(gpt.step(tokens[i].unsqueeze(1), place + i, first.cache))
    return torch.cat(tokens), torch.stack(logits, dim=1)


def _score_panels(
    gpt: Gpt, ids: Tensor, bert: Tensor, prompt: Tensor, card: Scorecard, entry: Mapping[str, Any]
) -> None:
    deterministic = SamplingSettings(top_k=1)
    limits = (
        entry.get("early_stop_num", PANEL_LIMIT),
        entry.get("promptfree_early_stop_num", PROMPT_FREE_LIMIT),
    )
    for name, start, limit in (("panel", prompt, limits[0]), ("promptfree_panel", None, limits[1])):
        run = generate(gpt, ids, bert, start, deterministic, early_stop_tokens=int(limit))
        card.equal(f"{name}_tokens", run.tokens)
        card.equal(f"{name}_idx", torch.tensor(run.index))
