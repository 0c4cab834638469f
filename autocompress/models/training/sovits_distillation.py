"""Distilling SoVITS: the student says the teacher's tokens with the teacher's noise, and is to sound alike.

The posterior encoder is not needed: the teacher's latents before its vocoder and the audio behind it are the
targets. They part SoVITS in two that are taught apart. The front, prior encoder and couplings together, is to
reach the latents through the flow; the vocoder makes the teacher's audio of the teacher's latents, by spectra
of several resolutions, mel distance, speaker embedding and, later, discriminators.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from autocompress.models.sovits.discriminators import DiscriminatorConfig, Discriminators
from autocompress.models.sovits.layers import length_mask
from autocompress.models.sovits.losses import mel_loss, phase_loss, spectral_loss
from autocompress.models.sovits.synthesizer import Sovits, random_starts, slice_frames
from autocompress.models.training.adversary import Adversary
from autocompress.models.training.optimisation import (
    Average,
    clip,
    fast_bfloat16,
    gan_adam,
    restore,
    set_rate,
    snapshot,
    warm_cosine,
)
from autocompress.models.training.taught import SoundBatch, TaughtSource

SpeakerEmbedder = Callable[[Tensor], Tensor]
"""Audio [B, n] → unit vectors [B, D], differentiable."""

FRONT, PRIOR, VOCODER = "front", "prior", "vocoder"
_RECIPES_OWN: Mapping[str, float] = {}
_MODULES = {FRONT: ("enc_p", "flow", "ge_to512"), PRIOR: ("enc_p", "ge_to512"), VOCODER: ("dec",)}


@dataclass(frozen=True)
class SovitsDistillationRecipe:
    """The knobs of one distillation; weights multiply the losses of the same name.

    ``margin_frames`` on each side of a segment are decoded and not compared: there the teacher, who spoke the
    whole sentence, knows what the student cannot.
    """

    total_steps: int
    adversarial_from: int
    batch_size: int = 4
    segment_frames: int = 24
    margin_frames: int = 4
    peak_rate: float = 4e-4
    adversarial_rate: float = 3e-4  # of the student, at most, once discriminators listen
    critic_rate: float = 6e-4  # at the student's own rate light critics lag behind it and tell nothing
    warm_steps: int = 20
    latent_weight: float = 10.0
    mel_weight: float = 45.0
    spectral_weight: float = 10.0
    heard_mel_weight: float = 15.0  # once discriminators listen: spectra alone ask for the mean, which buzzes
    heard_spectral_weight: float = 2.5
    phase_weight: float = 0.0  # where phases are predicted: discriminators alone are slow to teach them
    speaker_weight: float = 5.0
    feature_weight: float = 2.0
    fooling_weight: float = 2.0
    average_decay: float = 0.98
    discriminators: DiscriminatorConfig = field(default_factory=DiscriminatorConfig.light)
    bfloat16: bool | None = None  # None: where the processor is fast at it


class SovitsDistillation:
    """One optimisation step at a time; see :class:`autocompress.models.training.trainer.Objective`.

    ``part``: "front" (prior encoder and flow), "prior" of these, or "vocoder"; the rest keeps its weights.
    """

    def __init__(
        self,
        model: Sovits,
        source: TaughtSource,
        recipe: SovitsDistillationRecipe,
        part: str,
        embed_speaker: SpeakerEmbedder | None = None,
    ) -> None:
        self.model = model.eval().requires_grad_(False)  # no dropout: the target is one exact answer
        self._source, self.recipe, self._part = source, recipe, part
        self._embed_speaker = embed_speaker
        self._bfloat16 = fast_bfloat16() if recipe.bfloat16 is None else recipe.bfloat16
        trained = [p for name, p in model.named_parameters() if name.split(".")[0] in _MODULES[part]]
        self._trained = [p.requires_grad_(True) for p in trained]
        self._optimizer = gan_adam(self._trained, recipe.peak_rate)
        heard = part == VOCODER and recipe.adversarial_from < recipe.total_steps
        self._adversary = self._new_adversary() if heard else None
        self.average = Average(model, recipe.average_decay)

    def _new_adversary(self) -> Adversary:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            critics = Discriminators(self.recipe.discriminators)
        return Adversary(critics, self.recipe.critic_rate, bfloat16=self._bfloat16)

    def step(self, step: int) -> dict[str, float]:
        recipe = self.recipe
        generator = torch.Generator().manual_seed(step)
        set_rate(self._optimizer, self._rate(step))
        batch = self._source.sovits(step, recipe.batch_size)
        if self._part != VOCODER:
            return self._descend({"latent": self._latent_loss(batch)}, step)
        real, fake = self._segments(batch, generator)
        losses = self._sound_losses(real, fake)
        if self._adversary is None or step < recipe.adversarial_from:
            return self._descend(losses, step)
        told = {"critic": self._adversary.step(real, fake)}
        losses |= self._adversary.losses(real, fake)
        lighter = {"mel": recipe.heard_mel_weight, "spectral": recipe.heard_spectral_weight}
        return told | self._descend(losses, step, lighter)

    def _rate(self, step: int) -> float:
        """Warm-up and a cosine; where discriminators join, it ends there and a second one begins."""
        recipe = self.recipe
        if self._adversary is None:
            return recipe.peak_rate * warm_cosine(step, recipe.total_steps, recipe.warm_steps)
        if step < recipe.adversarial_from:
            return recipe.peak_rate * warm_cosine(
                step, recipe.adversarial_from, recipe.warm_steps, floor=0.25
            )
        done, total = step - recipe.adversarial_from, recipe.total_steps - recipe.adversarial_from
        return min(recipe.peak_rate, recipe.adversarial_rate) * warm_cosine(done, total, 1, floor=0.2)

    def _latent_loss(self, batch: SoundBatch) -> Tensor:
        """How far the student's latents [B, inter, T] behind its flow are from the teacher's."""
        model, style = self.model, batch.style
        frames = batch.latents.shape[-1]
        mask = length_mask(2 * batch.code_lengths, frames)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            prior = model.enc_p(
                model.content(batch.codes),
                batch.phonemes,
                model.mrte_condition(style),
                frame_mask=mask,
                text_mask=length_mask(batch.phoneme_lengths, batch.phonemes.shape[1]),
            )
            latents: Tensor = model.flow(prior.sample(batch.noise) * mask, mask, style, reverse=True)
        return latent_loss(latents.float(), batch.latents, mask)

    def _segments(self, batch: SoundBatch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The teacher's and the student's audio of the same segments, each [B, 1, segment · hop]."""
        recipe, hop = self.recipe, self.model.config.audio.hop
        margin, segment = recipe.margin_frames, recipe.segment_frames
        starts = random_starts(2 * batch.code_lengths, segment + 2 * margin, generator)
        window = slice_frames(batch.latents, starts, segment + 2 * margin)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            fake = self.model.dec(window, batch.style)[..., margin * hop : (margin + segment) * hop]
        real = slice_frames(batch.audio, (starts + margin) * hop, segment * hop)
        return real, fake.float()

    def _sound_losses(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        losses = {
            "mel": mel_loss(real, fake, self.model.config.audio, mels=80),
            "spectral": spectral_loss(real, fake),
        }
        if self.recipe.phase_weight:
            losses["phase"] = phase_loss(real, fake)
        if self._embed_speaker is not None and self.recipe.speaker_weight:
            losses["speaker"] = speaker_loss(self._embed_speaker, real, fake)
        return losses

    def _descend(
        self, losses: dict[str, Tensor], step: int, weights: Mapping[str, float] = _RECIPES_OWN
    ) -> dict[str, float]:
        own = {name: getattr(self.recipe, f"{name}_weight") for name in losses}
        weighted = [{**own, **weights}[name] * loss for name, loss in losses.items()]
        total = torch.stack(weighted).sum()
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        norm = clip(self._trained, 20.0)
        self._optimizer.step()
        self.average.update(self.model, step)
        told = {name: loss.item() for name, loss in losses.items()}
        return told | {"loss": total.item(), "gradient_norm": norm}

    def state(self) -> dict[str, Any]:
        own = snapshot(self.model, self._optimizer, self.average)
        return own | (self._adversary.state() if self._adversary else {})

    def restore(self, state: dict[str, Any]) -> None:
        restore(self.model, self._optimizer, self.average, state)
        if self._adversary:
            self._adversary.restore(state)


def latent_loss(reached: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Mean |student − teacher| of latents [B, C, T] over frames that count, over the teacher's mean |z|."""
    difference = ((reached - wanted).abs() * mask).sum()
    return difference / (wanted.abs() * mask).sum().clamp(min=1e-6)


def speaker_loss(embed: SpeakerEmbedder, real: Tensor, fake: Tensor) -> Tensor:
    """1 − cosine of the speaker embeddings of [B, 1, n]; silent segments say nothing of who speaks."""
    voiced = real.square().mean((1, 2)).sqrt() > 10 ** (-50 / 20)
    with torch.no_grad():
        wanted = embed(real[:, 0])
    distance = 1 - F.cosine_similarity(embed(fake[:, 0]), wanted, dim=-1)
    return (distance * voiced).sum() / voiced.sum().clamp(min=1)
