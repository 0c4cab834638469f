"""The GPT in production: tokens taught by the teacher, judged by divergence on held-out ones."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autocompress.metrics.teacher_forced import KL_SCALE_NATS, ForcedCase, TeacherForcedSet
from autocompress.models.config import GptConfig
from autocompress.models.gpt import Gpt
from autocompress.models.serial import from_json
from autocompress.models.training.gpt_distillation import (
    GptDistillation,
    GptDistillationRecipe,
    matched_layers,
)
from autocompress.models.training.taught import Taught, TaughtSource
from autocompress.production.craft import Craft
from autocompress.production.decisions import narrows
from autocompress.production.fake_quantization import quantized_gpt
from autocompress.production.settings import Recipe, warm_steps
from autocompress.space import Candidate
from autocompress.transforms import GptBatch, Importance, gpt_importance, materialize_gpt
from autocompress.transforms.building import build_gpt
from autocompress.transforms.materialize import unrounded_gpt

NEGLIGIBLE_NATS = 1e-3
"""About a thirtieth of what int4 weights cost."""
RATE_AT_ONE_NAT, LOWEST_RATE, HIGHEST_RATE = 2e-4, 2e-6, 4e-4


@dataclass(frozen=True, eq=False)
class GptCraft(Craft[Gpt]):
    """``layers`` are the teacher's that stay; ``judge`` holds the cases that nobody trains on."""

    name: str = "gpt"
    unit: str = "KL nats a token"
    negligible: float = NEGLIGIBLE_NATS
    breaking: float = KL_SCALE_NATS
    layers: tuple[int, ...] = ()
    source: TaughtSource = field(default=None, repr=False)  # type: ignore[assignment]
    judge: TeacherForcedSet = field(default=None, repr=False)  # type: ignore[assignment]
    calibration: Sequence[GptBatch] = field(default=(), repr=False)
    recipe: Recipe = field(default_factory=Recipe)
    batch_size: int = 8

    @property
    def quantizes(self) -> bool:
        return narrows(self.decisions.precision, ("gpt",))

    def shape(self, network: Gpt, decisions: Candidate) -> Gpt:
        """What goes is taken over by what stays, as every network reads the calibration set."""
        return materialize_gpt(network, decisions, self._importance(network, decisions)).network

    def ready_to_round(self, network: Gpt) -> Gpt:
        precision = self.decisions.precision
        return unrounded_gpt(network, precision, self._importance(network, precision))

    def _importance(self, network: Gpt, decisions: Candidate) -> Importance | None:
        if not (decisions.values and self.calibration):
            return None
        return gpt_importance(network, self.calibration, "activation")

    def delivered(self, network: Gpt) -> Gpt:
        return materialize_gpt(network, self.decisions.precision).computing()

    def loss(self, network: Gpt) -> float:
        score = self.judge.score_gpt(network)
        return float("inf") if score.failure else score.mean("kl")

    def objective(self, network: Gpt, steps: int, *, quantized: bool, distance: float) -> GptDistillation:
        precision = self.decisions.precision if quantized else Candidate()
        model = quantized_gpt(network, precision)
        recipe = GptDistillationRecipe(
            steps,
            batch_size=self.batch_size,
            temperature=self.recipe.temperature,
            hard_weight=self.recipe.hard_weight,
            peak_rate=rate_at(distance),
            warm_steps=warm_steps(steps),
        )
        pairs = matched_layers(self.layers, len(self.teacher.config.blocks))
        return GptDistillation(model, self.teacher, self.source, recipe, pairs)

    def built(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Gpt:
        return build_gpt(from_json(GptConfig, config), weights)


def rate_at(distance: float) -> float:
    """Peak learning rate for a student so many nats a token from its teacher.

    Adam's first steps have the size of the rate whatever the gradient is: at 4e-4 they undo a student that is
    close already (``results/distillation/rates.csv``).
    """
    return min(HIGHEST_RATE, max(LOWEST_RATE, RATE_AT_ONE_NAT * math.sqrt(max(distance, 0.0))))


def calibration_batch(taught: Taught) -> GptBatch:
    """A taught utterance as the matrices are shown it: prompt and target together."""
    codes = torch.from_numpy(np.concatenate((taught.prompt_tokens, taught.tokens)))[None]
    ids = torch.from_numpy(np.concatenate((taught.prompt_phonemes, taught.phonemes)))[None]
    bert = torch.from_numpy(taught.bert).float()[None] if taught.bert.size else None
    return GptBatch(ids, torch.tensor([ids.shape[1]]), codes, torch.tensor([codes.shape[1]]), bert)


def forced_case(name: str, taught: Taught, most_tokens: int) -> ForcedCase:
    """A taught utterance as both halves are judged on it, cut to ``most_tokens``."""
    tokens = taught.tokens[:most_tokens]
    ids = torch.from_numpy(taught.phonemes.copy())[None]
    bert = torch.from_numpy(taught.bert).float()[None] if taught.bert.size else None
    return ForcedCase(
        name,
        name,
        torch.cat((torch.from_numpy(taught.prompt_phonemes)[None], ids), dim=1),
        ids,
        torch.from_numpy(taught.prompt_tokens)[None],
        torch.from_numpy(tokens)[None],
        torch.from_numpy(taught.style)[None, :, None],
        torch.from_numpy(taught.noise[:, : 2 * len(tokens)]).float()[None],
        bert,
    )
