"""Training SoVITS as VITS trains: mel, KL, and, after a start on reconstruction alone, adversarial losses."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from autocompress.models.config import AudioConfig
from autocompress.models.sovits.discriminators import DiscriminatorConfig, Discriminators, both
from autocompress.models.sovits.losses import (
    discriminator_loss,
    feature_loss,
    generator_loss,
    kl_loss,
    mel_loss,
)
from autocompress.models.sovits.spectrogram import magnitude_spectrogram
from autocompress.models.sovits.synthesizer import Sovits, TrainingBatch, TrainingOutput, slice_frames
from autocompress.models.training.batches import BatchSource, SovitsBatch
from autocompress.models.training.optimisation import Average, clip, set_rate, warm_cosine


@dataclass(frozen=True)
class SovitsRecipe:
    """The knobs of one SoVITS run; weights multiply the losses of the same name."""

    total_steps: int
    adversarial_from: int = 1500
    batch_size: int = 8
    segment_frames: int = 32
    peak_rate: float = 4e-4
    warm_steps: int = 200
    mel_weight: float = 45.0
    mel_weight_late: float = 20.0
    kl_weight: float = 1.0
    kl_weight_late: float = 0.5
    feature_weight: float = 1.0
    average_decay: float = 0.999
    discriminators: DiscriminatorConfig = field(default_factory=DiscriminatorConfig.light)
    bfloat16: bool = True


class SovitsObjective:
    """One generator step, and one discriminator step once ``adversarial_from`` is reached."""

    def __init__(self, model: Sovits, source: BatchSource, recipe: SovitsRecipe) -> None:
        self.model = model.train()
        self._source = source
        self._recipe = recipe
        self._critics = Discriminators(recipe.discriminators)
        trained = [p for p in model.parameters() if p.requires_grad]
        self._optimizer = _adam(trained, recipe.peak_rate)
        self._critic_optimizer = _adam(self._critics.parameters(), recipe.peak_rate)
        self.average = Average(model, recipe.average_decay)

    def step(self, step: int) -> dict[str, float]:
        recipe = self._recipe
        torch.manual_seed(step)
        rate = recipe.peak_rate * warm_cosine(step, recipe.total_steps, recipe.warm_steps)
        set_rate(self._optimizer, rate)
        set_rate(self._critic_optimizer, rate)
        batch = training_batch(self._source.sovits(step, recipe.batch_size), self.model.config.audio)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            output = self.model(batch.inputs, recipe.segment_frames)
        real = real_segments(batch.waves, output, recipe.segment_frames, self.model.config.audio)
        fake = output.audio.float()
        adversarial = step >= recipe.adversarial_from
        losses = self._critic_step(real, fake.detach()) if adversarial else {}
        return losses | self._generator_step(output, real, fake, adversarial)

    def _critic_step(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        self._critics.requires_grad_(True)
        self._critic_optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._recipe.bfloat16):
            loss = discriminator_loss(*both(self._critics, real, fake))
        loss.backward()  # type: ignore[no-untyped-call]
        clip(self._critics.parameters(), 10.0)
        self._critic_optimizer.step()
        return {"critic": loss.item()}

    def _generator_step(
        self, output: TrainingOutput, real: Tensor, fake: Tensor, adversarial: bool
    ) -> dict[str, float]:
        recipe = self._recipe
        audio = self.model.config.audio
        mel = mel_loss(real, fake, audio, mels=80)
        kl = kl_loss(
            output.z_p, output.posterior, output.prior, output.mask
        )  # nats a frame, over all channels
        losses = {"mel": mel, "kl": kl, "commitment": output.commitment}
        weights = {"mel": recipe.mel_weight, "kl": recipe.kl_weight, "commitment": 1.0}
        if adversarial:
            self._critics.requires_grad_(False)  # their weights take no gradient from the generator
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
                judged_fake = self._critics(fake)
                with torch.no_grad():
                    judged_real = self._critics(real)
            losses["feature"] = feature_loss(judged_real, judged_fake)
            losses["fooling"] = generator_loss(judged_fake)
            weights |= {"mel": recipe.mel_weight_late, "kl": recipe.kl_weight_late}
            weights |= {"feature": recipe.feature_weight, "fooling": 1.0}
        self._optimizer.zero_grad(set_to_none=True)
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        norm = clip((p for p in self.model.parameters() if p.requires_grad), 50.0)
        self._optimizer.step()
        self.average.update(self.model, self._steps_seen())
        return {name: loss.item() for name, loss in losses.items()} | {"gradient_norm": norm}

    def _steps_seen(self) -> int:
        state = self._optimizer.state
        return int(next(iter(state.values()))["step"]) if state else 0

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "critics": self._critics.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "critic_optimizer": self._critic_optimizer.state_dict(),
            "average": self.average.values,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self._critics.load_state_dict(state["critics"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._critic_optimizer.load_state_dict(state["critic_optimizer"])
        self.average.values = state["average"]


def _adam(parameters: Iterable[Tensor], rate: float) -> torch.optim.AdamW:
    return torch.optim.AdamW(parameters, lr=rate, betas=(0.8, 0.99), eps=1e-9, fused=True)


@dataclass(frozen=True)
class Prepared:
    """A batch as the network reads it, and its waves [B, 1, n]."""

    inputs: TrainingBatch
    waves: Tensor


def training_batch(batch: SovitsBatch, audio: AudioConfig) -> Prepared:
    """Spectrograms of waves and references; style is read from another clip, as at inference."""
    inputs = TrainingBatch(
        spec=magnitude_spectrogram(batch.waves, audio),
        spec_lengths=2 * batch.code_lengths,
        text_ids=batch.phonemes,
        text_lengths=batch.phoneme_lengths,
        codes=batch.codes,
        style_spec=magnitude_spectrogram(batch.references, audio),
    )
    return Prepared(inputs, batch.waves[:, None])


def real_segments(waves: Tensor, output: TrainingOutput, segment_frames: int, audio: AudioConfig) -> Tensor:
    """The recorded samples of the segments that were decoded; [B, 1, segment_frames · hop]."""
    return slice_frames(waves, output.starts * audio.hop, segment_frames * audio.hop)
