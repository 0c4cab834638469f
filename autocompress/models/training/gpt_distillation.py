"""Distilling a GPT: the teacher's next-token distribution and inner states beside the hard labels.

loss = α · CE(labels) + (1 − α) · T² · KL(teacher / T ‖ student / T) + w · hidden
(Hinton et al. 2015, "Distilling the knowledge in a neural network"; hidden states as in TinyBERT, Jiao et al.
2020, equation 8.) T² keeps the gradient of the soft part at one scale for every T.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.gpt import Gpt, targets
from autocompress.models.training.batches import with_token_noise
from autocompress.models.training.optimisation import (
    Average,
    clip,
    fast_bfloat16,
    restore,
    set_rate,
    snapshot,
    warm_cosine,
)
from autocompress.models.training.taught import TaughtSource, TokenBatch

LEAST_TEMPERATURE, MOST_TEMPERATURE = 3.0, 7.0
_IGNORED = -100


@dataclass(frozen=True)
class GptDistillationRecipe:
    """The knobs of one distillation; ``hard_weight`` is α, ``token_noise`` the share of swapped inputs."""

    total_steps: int
    batch_size: int = 8
    temperature: float = 5.0
    hard_weight: float = 0.4
    hidden_weight: float = 1.0
    peak_rate: float = 4e-4
    warm_steps: int = 20
    weight_decay: float = 0.01
    token_noise: float = 0.05
    average_decay: float = 0.98
    bfloat16: bool | None = None  # None: where the processor is fast at it

    def __post_init__(self) -> None:
        if not LEAST_TEMPERATURE <= self.temperature <= MOST_TEMPERATURE:
            raise ValueError(f"temperature must lie in [3, 7], got {self.temperature}")
        if not 0 <= self.hard_weight <= 1:
            raise ValueError(f"hard_weight must lie in [0, 1], got {self.hard_weight}")


class GptDistillation:
    """One optimisation step at a time; see :class:`autocompress.models.training.trainer.Objective`.

    ``layers`` pairs a student's block with the teacher's block whose states it should reach.
    """

    def __init__(
        self,
        model: Gpt,
        teacher: Gpt,
        source: TaughtSource,
        recipe: GptDistillationRecipe,
        layers: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.model = model.train().requires_grad_(True)
        self._teacher, self._source, self._recipe = teacher, source, recipe
        self._layers = tuple(layers)
        self._bfloat16 = fast_bfloat16() if recipe.bfloat16 is None else recipe.bfloat16
        self._optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=recipe.peak_rate,
            betas=(0.9, 0.98),
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        self.average = Average(model, recipe.average_decay)

    def step(self, step: int) -> dict[str, float]:
        recipe = self._recipe
        generator = torch.Generator().manual_seed(step)
        set_rate(self._optimizer, recipe.peak_rate * warm_cosine(step, recipe.total_steps, recipe.warm_steps))
        batch = self._source.gpt(step, recipe.batch_size)
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            losses = self._losses(
                batch, with_token_noise(batch, recipe.token_noise, self.model.config.eos, generator)
            )
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        norm = clip(self.model.parameters(), 1.0)
        self._optimizer.step()
        self.average.update(self.model, step)
        return {name: value.item() for name, value in losses.items()} | {"gradient_norm": norm}

    def _losses(self, batch: TokenBatch, noisy: TokenBatch) -> dict[str, Tensor]:
        recipe, own = self._recipe, [a for a, _ in self._layers]
        with torch.no_grad(), states_of(self._teacher, [b for _, b in self._layers]) as wanted:
            soft = read_tokens(self._teacher, noisy)
        with states_of(self.model, own) as reached:
            logits = read_tokens(self.model, noisy)
        labels = _labels(batch, self.model.config.eos)
        said = targets(batch.tokens, batch.token_lengths, self.model.config.eos) != _IGNORED
        losses = {
            "hard": hard_loss(logits, soft, labels, batch.recorded),
            "soft": soft_loss(logits[said], soft[said], recipe.temperature),
        }
        total = recipe.hard_weight * losses["hard"] + (1 - recipe.hard_weight) * losses["soft"]
        if self._layers and recipe.hidden_weight:
            pairs = [(reached[a], wanted[b]) for a, b in self._layers]
            losses["hidden"] = hidden_loss(pairs, _counted(batch))
            total = total + recipe.hidden_weight * losses["hidden"]
        return losses | {"loss": total}

    def state(self) -> dict[str, Any]:
        return snapshot(self.model, self._optimizer, self.average)

    def restore(self, state: dict[str, Any]) -> None:
        restore(self.model, self._optimizer, self.average, state)


def hard_loss(logits: Tensor, soft: Tensor, labels: Tensor, recorded: Tensor) -> Tensor:
    """Mean cross-entropy of ``logits`` [B, Y, V] with ``labels`` [B, Y]; ``recorded`` [B].

    A label that the teacher drew itself is one sample of a distribution that is known, ``soft``: the mean
    over all that it might have drawn stands for it. A student that is close to its teacher would learn the
    samples by heart and move away (``results/distillation/rates.csv``).
    """
    counted = labels != _IGNORED
    wanted = F.softmax(soft[counted], dim=-1)
    spoken = recorded[:, None].expand_as(labels)[counted]
    wanted[spoken] = F.one_hot(labels[counted][spoken], logits.shape[-1]).to(wanted.dtype)
    return F.cross_entropy(logits[counted], wanted)


def soft_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T² · KL(teacher / T ‖ student / T) in nats a token; logits [n, V]."""
    wanted = F.log_softmax(teacher.float() / temperature, dim=-1)
    given = F.log_softmax(student.float() / temperature, dim=-1)
    return F.kl_div(given, wanted, reduction="batchmean", log_target=True) * temperature**2


def hidden_loss(pairs: Sequence[tuple[Tensor, Tensor]], counted: Tensor) -> Tensor:
    """Mean over pairs of ‖student − teacher‖² / ‖teacher‖² at the positions [B, S] that count."""
    terms = []
    for reached, wanted in pairs:
        difference = (reached.float() - wanted.float())[counted].square().mean()
        terms.append(difference / wanted.float()[counted].square().mean())
    return torch.stack(terms).mean()


def read_tokens(gpt: Gpt, batch: TokenBatch) -> Tensor:
    """Logits [B, Y + 1, V] in float32."""
    logits: Tensor = gpt(batch.phonemes, batch.phoneme_lengths, batch.bert, batch.tokens, batch.token_lengths)
    return logits.float()


@contextmanager
def states_of(gpt: Gpt, layers: Sequence[int]) -> Iterator[Mapping[int, Tensor]]:
    """What the named blocks give during a pass: block → [B, S, d]."""
    seen: dict[int, Tensor] = {}

    def keep(layer: int) -> Any:
        def hook(module: nn.Module, inputs: Any, outputs: tuple[Tensor, ...]) -> None:
            seen[layer] = outputs[0]

        return hook

    handles = [gpt.h.layers[layer].register_forward_hook(keep(layer)) for layer in layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def matched_layers(kept: Sequence[int], n_teacher: int) -> list[tuple[int, int]]:
    """Student's layer → the teacher's last one before the next that was kept: it takes over what went."""
    following = [*kept[1:], n_teacher]
    return [(own, after - 1) for own, after in enumerate(following)]


def _labels(batch: TokenBatch, eos: int) -> Tensor:
    """Targets [B, Y + 1]; an utterance that was cut teaches no end."""
    labels = targets(batch.tokens, batch.token_lengths, eos)
    return labels.masked_fill((labels == eos) & ~batch.stopped[:, None], _IGNORED)


def _counted(batch: TokenBatch) -> Tensor:
    """Positions [B, X + Y] that are no padding."""
    x = torch.arange(batch.phonemes.shape[1]) < batch.phoneme_lengths[:, None]
    y = torch.arange(batch.tokens.shape[1]) < batch.token_lengths[:, None]
    return torch.cat((x, y), dim=1)
