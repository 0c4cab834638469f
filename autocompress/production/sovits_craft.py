"""SoVITS in production: its front is taught the teacher's latents, its vocoder the teacher's audio of these.

Taught apart, each takes the steps that it needs, and a front that shrinks round by round does not hold up the
vocoder. Both are judged by mel distance on held-out utterances, the other one being the teacher's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from autocompress.metrics.teacher_forced import MEL_SCALE_DB, TeacherForcedSet
from autocompress.models.config import SovitsConfig
from autocompress.models.serial import from_json
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.training.sovits_distillation import (
    FRONT,
    PRIOR,
    VOCODER,
    SovitsDistillation,
    SovitsDistillationRecipe,
)
from autocompress.models.training.taught import Taught, TaughtSource
from autocompress.production.craft import Craft
from autocompress.production.decisions import narrows
from autocompress.production.fake_quantization import quantized_sovits
from autocompress.production.settings import warm_steps
from autocompress.production.speaker_embedding import speaker_network
from autocompress.space import Candidate
from autocompress.transforms import Importance, SovitsBatch, materialize_sovits, sovits_importance
from autocompress.transforms.building import build_sovits
from autocompress.transforms.materialize import unrounded_sovits

NEGLIGIBLE_DB = 0.05
"""A twentieth of what int4 weights cost. Four steps at the lowest rate took 0.01 dB to 0.02."""
UNHEARD_DB = 1.0
"""Of a front: nearer ones gained nothing to be heard by training (``results/distillation/front.json``)."""
RATE_AT_ONE_DB, LOWEST_RATE, HIGHEST_RATE = 4e-5, 2e-6, 4e-4
NEW_RATE, NEW_DB = 1e-3, 10.0
"""Of a vocoder that predicts spectra and is further off than this: it is trained from nothing."""
MEL_SLACK = 0.1
"""Discriminators trade so much mel distance for naturalness, which it cannot hear: the later state wins."""
ISTFT_MARGIN_FRAMES = 8
"""A vocoder that predicts spectra sees 24 frames to each side; the far ones matter little."""
PHASE_WEIGHT = 15.0
"""Of a vocoder that predicts spectra. Measured in ``results/runtime/spare_fidelity.json``."""
ADVERSARIAL_SHARE = 0.5
"""Discriminators join after this share of the steps: until then spectra teach more."""
EARLY_SHARE = 0.1
"""Of a vocoder of spectra that has learnt with them before: without them it forgets (MOS 1.79 to 1.69)."""
ADVERSARIAL_LEAST = 200
"""In a shorter stage they would only be learning themselves: they stay out."""
_QUANTIZED = ("sovits.prior", "sovits.embedding")


@dataclass(frozen=True, eq=False)
class SovitsCraft(Craft[Sovits]):
    """``name`` is the part, "front" or "vocoder"; ``judge`` holds the cases that nobody trains on."""

    name: str = FRONT
    unit: str = "mel distance dB"
    negligible: float = NEGLIGIBLE_DB
    breaking: float = MEL_SCALE_DB
    source: TaughtSource = field(default=None, repr=False)  # type: ignore[assignment]
    judge: TeacherForcedSet = field(default=None, repr=False)  # type: ignore[assignment]
    calibration: Sequence[SovitsBatch] = field(default=(), repr=False)
    batch_size: int = 4

    @property
    def slack(self) -> float:
        return MEL_SLACK if self.name == VOCODER else 0.0

    @property
    def quantizes(self) -> bool:
        """Flow and decoder stay in float: integers there are stored, not trained for."""
        return narrows(self.decisions.precision, _QUANTIZED)

    def shape(self, network: Sovits, decisions: Candidate) -> Sovits:
        """Units are chosen by what they send on over the calibration set, anew for every network."""
        return materialize_sovits(network, decisions, self._importance(network, decisions)).network

    def ready_to_round(self, network: Sovits) -> Sovits:
        precision = self.decisions.precision
        return unrounded_sovits(network, precision, self._importance(network, precision))

    def _importance(self, network: Sovits, decisions: Candidate) -> Importance | None:
        if not (decisions.values and self.calibration):
            return None
        return sovits_importance(network, self.calibration, "activation")

    def delivered(self, network: Sovits) -> Sovits:
        return materialize_sovits(network, self.decisions.precision).computing()

    def loss(self, network: Sovits) -> float:
        score = self.judge.score_sovits(network)
        return float("inf") if score.failure else score.mean("mel_distance")

    def objective(
        self, network: Sovits, steps: int, *, quantized: bool, distance: float
    ) -> SovitsDistillation:
        """Where the prior learns to be rounded the flow stays: its weights lie where rounding costs least."""
        precision = self.decisions.precision if quantized else Candidate()
        part = PRIOR if quantized else self.name
        share = ADVERSARIAL_SHARE if network.config.istft is None or distance > NEW_DB else EARLY_SHARE
        joins = round(steps * share) if steps >= ADVERSARIAL_LEAST else steps
        recipe = SovitsDistillationRecipe(
            steps,
            adversarial_from=joins,
            batch_size=self.batch_size,
            margin_frames=ISTFT_MARGIN_FRAMES if network.config.istft else 4,
            peak_rate=NEW_RATE if network.config.istft and distance > NEW_DB else rate_at(distance),
            warm_steps=warm_steps(steps),
            average_decay=max(0.98, 1 - 10 / steps),
            phase_weight=PHASE_WEIGHT if network.config.istft else 0.0,
        )
        embed = speaker_network(network.config.audio.sample_rate_hz)
        return SovitsDistillation(quantized_sovits(network, precision), self.source, recipe, part, embed)

    def built(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Sovits:
        return build_sovits(from_json(SovitsConfig, config), weights)


def rate_at(distance: float) -> float:
    """Peak learning rate for a student so many dB (mel) from its teacher.

    Measured in ``results/distillation/rates.csv``.
    """
    return min(HIGHEST_RATE, max(LOWEST_RATE, RATE_AT_ONE_DB * distance))


def spoken_batch(taught: Taught, most_tokens: int) -> SovitsBatch:
    """A taught utterance as importance is measured on it."""
    tokens = taught.tokens[:most_tokens]
    return SovitsBatch(
        torch.from_numpy(tokens)[None],
        torch.from_numpy(taught.phonemes)[None],
        torch.from_numpy(taught.style)[None, :, None],
        torch.from_numpy(taught.noise[:, : 2 * len(tokens)]).float()[None],
    )
