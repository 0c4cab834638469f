"""SoVITS as a whole (upstream: SynthesizerTrn): decoding semantic tokens, and the training pass of a VITS.

Legend: B batch, N tokens, T = 2N frames, P phonemes, R reference frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autocompress.models.config import IstftConfig, SovitsConfig, VocoderConfig
from autocompress.models.sovits.flow import Flow
from autocompress.models.sovits.istft import IstftVocoder
from autocompress.models.sovits.layers import length_mask
from autocompress.models.sovits.posterior import PosteriorEncoder
from autocompress.models.sovits.prior import Gaussian, PriorEncoder
from autocompress.models.sovits.quantizer import Quantized, Quantizer
from autocompress.models.sovits.style import StyleEncoder
from autocompress.models.sovits.vocoder import Vocoder


@dataclass(frozen=True)
class TrainingBatch:
    """Right-padded utterances. Give ``codes`` (quantizer untouched) or ``ssl`` (quantised on the way).

    ``style_spec`` is what the style encoder reads, the utterance itself when absent, as upstream trains.
    """

    spec: Tensor  # [B, bins, T]
    spec_lengths: Tensor  # [B]
    text_ids: Tensor  # [B, P]
    text_lengths: Tensor  # [B]
    codes: Tensor | None = None  # [B, N], 2N >= T
    ssl: Tensor | None = None  # [B, ssl width, H], 50 Hz
    speaker: Tensor | None = None  # [B, speaker width]
    style_spec: Tensor | None = None  # [B, bins, R]
    style_lengths: Tensor | None = None  # [B]


@dataclass(frozen=True)
class TrainingOutput:
    """What the VITS losses need; latents are [B, inter, T], ``audio`` covers the random segments only."""

    audio: Tensor  # [B, 1, segment_frames * hop]
    starts: Tensor  # [B], first frame of each segment
    mask: Tensor  # [B, 1, T]
    z: Tensor
    z_p: Tensor
    prior: Gaussian
    posterior: Gaussian
    commitment: Tensor  # scalar
    style: Tensor  # [B, gin, 1]


class Sovits(nn.Module):
    """All parts under upstream's names; ``posterior=False`` leaves out enc_q, as fine-tuned files do."""

    def __init__(
        self, config: SovitsConfig, *, posterior: bool = False, freeze_quantizer: bool = True
    ) -> None:
        super().__init__()
        self.config = config
        self.freeze_quantizer = freeze_quantizer
        width = config.quantizer.width
        self.enc_p = PriorEncoder(config)
        self.dec = _vocoder(config.vocoder, config)
        self.enc_q = PosteriorEncoder(config) if posterior else None
        self.flow = Flow(config)
        self.ref_enc = StyleEncoder(config.style, config.gin)
        self.ssl_proj = nn.Conv1d(width, width, 2, stride=2)
        self.quantizer = Quantizer(config.quantizer)
        self.spare = None if config.spare is None else _vocoder(config.spare, config)
        if config.pro:
            self.sv_emb = nn.Linear(config.speaker_width, config.gin)
            self.ge_to512 = nn.Linear(config.gin, config.prior.mrte.hidden)
            self.prelu = nn.PReLU(config.gin)
        if freeze_quantizer:
            self.ssl_proj.requires_grad_(False)

    def train(self, mode: bool = True) -> "Sovits":
        super().train(mode)
        if self.freeze_quantizer:
            self.quantizer.eval()
        return self

    def attach(self, spare: IstftVocoder) -> None:
        """Carry ``spare`` beside the vocoder, frozen; nothing that this network says changes."""
        self.config = replace(self.config, spare=spare.config)
        self.spare = spare.eval().requires_grad_(False)

    # --- the global condition -------------------------------------------------------------------

    def style(self, spec: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """One reference: spectrogram [B, bins, R] (and speaker vector for v2Pro) → ge [B, gin, 1]."""
        ge: Tensor = self.ref_enc(spec, mask)
        if not self.config.pro:
            return ge
        if speaker is None:
            raise ValueError(
                f"{self.config.version} needs a speaker vector beside each reference spectrogram"
            )
        return F.prelu(ge + self.sv_emb(speaker).unsqueeze(-1), self.prelu.weight)

    def mean_style(self, specs: Sequence[Tensor], speakers: Sequence[Tensor] | None = None) -> Tensor:
        """Several references: the mean of each one's condition."""
        vectors: Sequence[Tensor | None] = speakers or [None] * len(specs)
        styles = [self.style(spec, vector) for spec, vector in zip(specs, vectors, strict=True)]
        return torch.stack(styles).mean(0)

    def mrte_condition(self, ge: Tensor) -> Tensor:
        """What MRTE adds to each frame: ge itself, or its projection in the v2Pro family."""
        if not self.config.pro:
            return ge
        out: Tensor = self.ge_to512(ge.transpose(1, 2)).transpose(1, 2)
        return out

    # --- tokens ---------------------------------------------------------------------------------

    def extract_codes(self, ssl: Tensor) -> Tensor:
        """Features [B, ssl width, H] at 50 Hz → codes [B, H // 2]."""
        return self.quantizer.encode(self.ssl_proj(ssl))

    def content(self, codes: Tensor) -> Tensor:
        """Codes [B, N] → code vectors at 50 Hz [B, width, 2N]."""
        return double_frames(self.quantizer.decode(codes))

    # --- decoding -------------------------------------------------------------------------------

    def prior(self, codes: Tensor, text_ids: Tensor, ge: Tensor, speed: float = 1.0) -> Gaussian:
        """codes [B, N], text_ids [B, P], ge [B, gin, 1] → Gaussian of z_p."""
        out: Gaussian = self.enc_p(self.content(codes), text_ids, self.mrte_condition(ge), speed=speed)
        return out

    def latents(
        self, codes: Tensor, text_ids: Tensor, ge: Tensor, noise: Tensor | None = None, *, speed: float = 1.0
    ) -> Tensor:
        """codes [B, N], text_ids [B, P], ge [B, gin, 1], scaled noise [B, inter, T] → z [B, inter, T]."""
        prior = self.prior(codes, text_ids, ge, speed)
        z_p = prior.mean if noise is None else prior.sample(noise)
        z: Tensor = self.flow(z_p, None, ge, reverse=True)
        return z

    def synthesize(
        self, codes: Tensor, text_ids: Tensor, ge: Tensor, noise: Tensor | None = None, *, speed: float = 1.0
    ) -> Tensor:
        """What the vocoder makes of :meth:`latents` → audio [B, 1, n]."""
        audio: Tensor = self.dec(self.latents(codes, text_ids, ge, noise, speed=speed), ge)
        return audio

    @torch.no_grad()
    def decode(
        self,
        codes: Tensor,
        text_ids: Tensor,
        specs: Sequence[Tensor],
        speakers: Sequence[Tensor] | None = None,
        *,
        noise_scale: float = 0.5,
        speed: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Tokens to audio with the voice of the references; noise_scale 0 is deterministic."""
        ge = self.mean_style(specs, speakers)
        frames = 2 * codes.shape[1] if speed == 1.0 else int(2 * codes.shape[1] / speed) + 1
        noise = torch.randn(codes.shape[0], self.config.inter, frames, generator=generator) * noise_scale
        return self.synthesize(codes, text_ids, ge, noise.to(ge.device) if noise_scale else None, speed=speed)

    # --- training -------------------------------------------------------------------------------

    def quantize(self, batch: TrainingBatch) -> Quantized:
        """The batch's content at 25 Hz; the quantizer learns only when it is not frozen."""
        if batch.codes is not None:
            vectors = self.quantizer.decode(batch.codes)
            return Quantized(vectors, batch.codes, vectors.new_zeros(()))
        if batch.ssl is None:
            raise ValueError("a training batch needs codes or ssl features")
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze_quantizer):
            out: Quantized = self.quantizer(self.ssl_proj(batch.ssl))
            return out

    def training_style(self, batch: TrainingBatch) -> Tensor:
        spec = batch.spec if batch.style_spec is None else batch.style_spec
        lengths = batch.spec_lengths if batch.style_spec is None else batch.style_lengths
        mask = None if lengths is None else length_mask(lengths, spec.shape[-1])
        return self.style(spec, batch.speaker, mask)

    def training_prior(self, batch: TrainingBatch, quantized: Quantized, ge: Tensor) -> Gaussian:
        """The prior over padded frames, for losses on latents without any waveform."""
        frames = batch.spec.shape[-1]
        content = double_frames(quantized.vectors)
        if content.shape[-1] < frames:
            raise ValueError(f"{frames} spectrogram frames but only {content.shape[-1]} frames of content")
        out: Gaussian = self.enc_p(
            content[..., :frames],
            batch.text_ids,
            self.mrte_condition(ge),
            frame_mask=length_mask(batch.spec_lengths, frames),
            text_mask=length_mask(batch.text_lengths, batch.text_ids.shape[1]),
        )
        return out

    def forward(
        self, batch: TrainingBatch, segment_frames: int, generator: torch.Generator | None = None
    ) -> TrainingOutput:
        """One VITS training pass; ``segment_frames`` frames of each utterance are decoded to audio."""
        if self.enc_q is None:
            raise ValueError("training needs the posterior encoder: build Sovits(config, posterior=True)")
        quantized, ge = self.quantize(batch), self.training_style(batch)
        prior = self.training_prior(batch, quantized, ge)
        mask = length_mask(batch.spec_lengths, batch.spec.shape[-1])
        posterior: Gaussian = self.enc_q(batch.spec, mask, ge)
        noise = torch.randn(posterior.mean.shape, generator=generator).to(posterior.mean)
        z = posterior.sample(noise) * mask
        starts = random_starts(batch.spec_lengths, segment_frames, generator)
        audio = self.dec(slice_frames(z, starts, segment_frames), ge)
        z_p = self.flow(z, mask, ge)
        return TrainingOutput(audio, starts, mask, z, z_p, prior, posterior, quantized.commitment, ge)


def _vocoder(sizes: VocoderConfig | IstftConfig, config: SovitsConfig) -> Vocoder | IstftVocoder:
    kind = IstftVocoder if isinstance(sizes, IstftConfig) else Vocoder
    return kind(sizes, config.inter, config.gin)  # type: ignore[arg-type]


def double_frames(x: Tensor) -> Tensor:
    """25 Hz → 50 Hz: each frame twice."""
    return x.repeat_interleave(2, dim=-1)


def random_starts(lengths: Tensor, segment: int, generator: torch.Generator | None) -> Tensor:
    """A first frame for each utterance so that the segment lies inside it (0 when it is too short)."""
    room = (lengths - segment + 1).clamp(min=1)
    draw = torch.rand(lengths.shape, generator=generator).to(lengths.device)
    return (draw * room).long()


def slice_frames(x: Tensor, starts: Tensor, segment: int) -> Tensor:
    """x [B, C, T] → [B, C, segment] from each start; also cuts waves with starts and segment in samples."""
    index = starts[:, None] + torch.arange(segment, device=x.device)
    return x.gather(2, index.unsqueeze(1).expand(-1, x.shape[1], -1))
