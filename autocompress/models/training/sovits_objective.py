"""Training SoVITS as VITS trains: mel, KL, and, after a start on reconstruction alone, adversarial losses."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from autocompress.models.config import AudioConfig
from autocompress.models.sovits.discriminators import DiscriminatorConfig, Discriminators
from autocompress.models.sovits.losses import kl_loss, mel_loss, spectral_loss
from autocompress.models.sovits.spectrogram import magnitude_spectrogram
from autocompress.models.sovits.synthesizer import (
    Sovits,
    TrainingBatch,
    TrainingOutput,
    random_starts,
    slice_frames,
)
from autocompress.models.training.adversary import Adversary
from autocompress.models.training.batches import BatchSource, SovitsBatch
from autocompress.models.training.optimisation import (
    Average,
    clip,
    gan_adam,
    restore,
    set_rate,
    snapshot,
    warm_cosine,
)

# Frames on each side that the posterior's convolutions look at: 6 layers of kernel 5 need 12.
POSTERIOR_MARGIN = 12


@dataclass(frozen=True)
class SovitsRecipe:
    """The knobs of one SoVITS run; weights multiply the losses of the same name.

    ``whole_every`` n: each n-th step is a whole VITS step (prior, flow and posterior over whole clips, KL);
    the steps between train the vocoder alone on the posterior's latents, at a third of the cost. The vocoder
    is the part that needs the most steps.
    """

    total_steps: int
    adversarial_from: int = 1500
    batch_size: int = 8
    segment_frames: int = 16
    whole_every: int = 3
    peak_rate: float = 8e-4
    adversarial_rate: float = 2e-4
    critic_rate: float = 5e-4  # at the generator's own rate the light critics lag behind it
    warm_steps: int = 200
    mel_weight: float = 15.0
    spectral_weight: float = 2.5
    kl_weight: float = 0.2
    feature_weight: float = 2.0
    fooling_weight: float = 1.0
    average_decay: float = 0.999
    discriminators: DiscriminatorConfig = field(default_factory=DiscriminatorConfig.light)
    bfloat16: bool = True


@dataclass(frozen=True)
class Prepared:
    """A batch as the network reads it, and its waves [B, 1, n]."""

    inputs: TrainingBatch
    waves: Tensor


@dataclass(frozen=True)
class Heard:
    """Recorded and generated segments [B, 1, n] of one step, and the losses on latents."""

    real: Tensor
    fake: Tensor
    latent_losses: dict[str, Tensor]


class SovitsObjective:
    """One generator step, and one discriminator step once ``adversarial_from`` is reached."""

    def __init__(self, model: Sovits, source: BatchSource, recipe: SovitsRecipe) -> None:
        self.model = model.train()
        self._source = source
        self._recipe = recipe
        critics = Discriminators(recipe.discriminators)
        self._adversary = Adversary(critics, recipe.critic_rate, bfloat16=recipe.bfloat16)
        trained = [p for p in model.parameters() if p.requires_grad]
        self._optimizer = gan_adam(trained, recipe.peak_rate)
        self.average = Average(model, recipe.average_decay)

    def step(self, step: int) -> dict[str, float]:
        recipe = self._recipe
        torch.manual_seed(step)
        adversarial = step >= recipe.adversarial_from
        set_rate(self._optimizer, self._rate(step))
        batch = training_batch(self._source.sovits(step, recipe.batch_size), self.model.config.audio)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            heard = self._whole(batch) if step % recipe.whole_every == 0 else self._vocoder_alone(batch)
        losses = {"critic": self._adversary.step(heard.real, heard.fake)} if adversarial else {}
        losses |= self._generator_step(heard, adversarial)
        self.average.update(self.model, step)
        return losses

    def _rate(self, step: int) -> float:
        """Warm-up and cosine until the discriminators join, then a rate of their own and a second cosine."""
        recipe = self._recipe
        if step < recipe.adversarial_from:
            return recipe.peak_rate * warm_cosine(
                step, recipe.adversarial_from, recipe.warm_steps, floor=0.25
            )
        done, total = step - recipe.adversarial_from, recipe.total_steps - recipe.adversarial_from
        return recipe.adversarial_rate * warm_cosine(done, total, 1, floor=0.2)

    def _whole(self, batch: Prepared) -> Heard:
        output = self.model(batch.inputs, self._recipe.segment_frames)
        real = real_segments(batch.waves, output, self._recipe.segment_frames, self.model.config.audio)
        kl = kl_loss(output.z_p, output.posterior, output.prior, output.mask)  # nats a frame, all channels
        return Heard(real, output.audio.float(), {"kl": kl, "commitment": output.commitment})

    def _vocoder_alone(self, batch: Prepared) -> Heard:
        """Latents of a window, with a margin for the posterior; no gradient outside the vocoder."""
        segment, hop = self._recipe.segment_frames, self.model.config.audio.hop
        assert self.model.enc_q is not None
        starts = random_starts(batch.inputs.spec_lengths, segment + 2 * POSTERIOR_MARGIN, None)
        spec = slice_frames(batch.inputs.spec, starts, segment + 2 * POSTERIOR_MARGIN)
        with torch.no_grad():
            style = self.model.training_style(batch.inputs)
            posterior = self.model.enc_q(spec, None, style)
            z = posterior.sample(torch.randn_like(posterior.mean))
        inner = slice(POSTERIOR_MARGIN, POSTERIOR_MARGIN + segment)
        fake = self.model.dec(z[:, :, inner], style)
        real = slice_frames(batch.waves, (starts + POSTERIOR_MARGIN) * hop, segment * hop)
        return Heard(real, fake.float(), {})

    def _generator_step(self, heard: Heard, adversarial: bool) -> dict[str, float]:
        recipe = self._recipe
        losses = dict(heard.latent_losses)
        losses["mel"] = mel_loss(heard.real, heard.fake, self.model.config.audio, mels=80)
        losses["spectral"] = spectral_loss(heard.real, heard.fake)
        if adversarial:
            losses |= self._adversary.losses(heard.real, heard.fake)
        weights = {
            "mel": recipe.mel_weight,
            "spectral": recipe.spectral_weight,
            "kl": recipe.kl_weight,
            "feature": recipe.feature_weight,
            "fooling": recipe.fooling_weight,
        }
        self._optimizer.zero_grad(set_to_none=True)
        total = torch.stack([weights.get(name, 1.0) * loss for name, loss in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        norm = clip((p for p in self.model.parameters() if p.grad is not None), 50.0)
        self._optimizer.step()
        return {name: loss.item() for name, loss in losses.items()} | {"gradient_norm": norm}

    def state(self) -> dict[str, Any]:
        return snapshot(self.model, self._optimizer, self.average) | self._adversary.state()

    def restore(self, state: dict[str, Any]) -> None:
        restore(self.model, self._optimizer, self.average, state)
        self._adversary.restore(state)


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
