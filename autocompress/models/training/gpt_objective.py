"""Training the GPT: next-token cross-entropy over semantic tokens (upstream: Text2SemanticDecoder)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from autocompress.models.gpt import Gpt, targets
from autocompress.models.training.batches import BatchSource, GptBatch, with_token_noise
from autocompress.models.training.optimisation import (
    Average,
    clip,
    restore,
    set_rate,
    snapshot,
    warm_cosine,
)


@dataclass(frozen=True)
class GptRecipe:
    """The knobs of one GPT run."""

    total_steps: int
    batch_size: int = 16
    peak_rate: float = 6e-4
    warm_steps: int = 300
    weight_decay: float = 0.02
    token_noise: float = 0.08
    label_smoothing: float = 0.0
    average_decay: float = 0.999
    joined: float = 0.5
    bfloat16: bool = True


class GptObjective:
    """One optimisation step at a time; see :class:`autocompress.models.training.trainer.Objective`."""

    def __init__(self, model: Gpt, source: BatchSource, recipe: GptRecipe) -> None:
        self.model = model.train()
        self._source = source
        self._recipe = recipe
        self._optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=recipe.peak_rate,
            betas=(0.9, 0.95),
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        self.average = Average(model, recipe.average_decay)

    def step(self, step: int) -> dict[str, float]:
        recipe = self._recipe
        torch.manual_seed(step)  # dropout's masks are part of what a resumed run must repeat
        set_rate(self._optimizer, recipe.peak_rate * warm_cosine(step, recipe.total_steps, recipe.warm_steps))
        batch = self._source.gpt(step, recipe.batch_size, recipe.joined)
        self._optimizer.zero_grad(set_to_none=True)
        # It learns to go on after its own mistakes for nothing: dropout took half of a step's time.
        noisy = with_token_noise(batch, recipe.token_noise, self.model.config.eos)
        losses = next_token_losses(self.model, noisy, batch.tokens, recipe)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        norm = clip(self.model.parameters(), 1.0)
        self._optimizer.step()
        self.average.update(self.model, step)
        return {name: value.item() for name, value in losses.items()} | {"gradient_norm": norm}

    def state(self) -> dict[str, Any]:
        return snapshot(self.model, self._optimizer, self.average)

    def restore(self, state: dict[str, Any]) -> None:
        restore(self.model, self._optimizer, self.average, state)


def next_token_losses(
    model: Gpt, batch: GptBatch, wanted_tokens: torch.Tensor, recipe: GptRecipe
) -> dict[str, torch.Tensor]:
    """Mean cross-entropy in nats a token (EOS included), and the share of tokens guessed right."""
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
        logits = model(batch.phonemes, batch.phoneme_lengths, None, batch.tokens, batch.token_lengths)
    logits = logits.float().flatten(0, 1)
    wanted = targets(wanted_tokens, batch.token_lengths, model.config.eos).flatten()
    loss = F.cross_entropy(logits, wanted, label_smoothing=recipe.label_smoothing)
    with torch.no_grad():
        right = (logits.argmax(-1) == wanted).sum() / (wanted != -100).sum()
    return {"loss": loss, "accuracy": right}
