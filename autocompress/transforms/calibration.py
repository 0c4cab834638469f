"""What a calibration set looks like to the transforms: batches, as the networks read them, with a loss.

Batches are passed in and nothing is drawn at random, so that the same set gives the same importance.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from autocompress.models.gpt import Gpt, targets
from autocompress.models.sovits.spectrogram import log_mel, magnitude_spectrogram
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.voice import Voice


@dataclass(frozen=True, eq=False)
class GptBatch:
    """Right-padded: phoneme_ids [B, X], codes [B, Y], their lengths [B], bert [B, 1024, X] or None."""

    phoneme_ids: Tensor
    text_lengths: Tensor
    codes: Tensor
    code_lengths: Tensor
    bert: Tensor | None = None

    def logits(self, gpt: Gpt) -> Tensor:  # [B, Y + 1, V]
        out: Tensor = gpt(self.phoneme_ids, self.text_lengths, self.bert, self.codes, self.code_lengths)
        return out

    def losses(self, gpt: Gpt) -> list[Tensor]:
        """Cross entropy of the batch's own tokens, one scalar an utterance."""
        wanted = targets(self.codes, self.code_lengths, gpt.config.eos)
        logits = self.logits(gpt).transpose(1, 2)
        each = F.cross_entropy(logits, wanted, ignore_index=-100, reduction="none").sum(1)
        return list(each / (self.code_lengths + 1))


@dataclass(frozen=True, eq=False)
class SovitsBatch:
    """One utterance: codes [1, N], text_ids [1, P], style [1, gin, 1], scaled noise [1, inter, 2N]."""

    codes: Tensor
    text_ids: Tensor
    style: Tensor
    noise: Tensor | None = None

    def audio(self, sovits: Sovits) -> Tensor:  # [1, 1, n]
        return self.audios(sovits)[0]

    def audios(self, sovits: Sovits) -> list[Tensor]:  # each [1, 1, n]
        """What each of its vocoders, the spare one too, makes of the same latents."""
        z = sovits.latents(self.codes, self.text_ids, self.style, self.noise)
        vocoders = (sovits.dec,) if sovits.spare is None else (sovits.dec, sovits.spare)
        return [vocoder(z, self.style) for vocoder in vocoders]

    def losses(self, sovits: Sovits, projections: int = 2) -> list[Tensor]:
        """Random projections of the log-mel spectrogram of each vocoder, one scalar each.

        At the teacher itself the gradient of any distance to it is zero. The mean square of the gradients of
        such projections is that of the whole output instead: the Gauss-Newton diagonal of a squared error.
        """
        audio = sovits.config.audio
        mels = [log_mel(magnitude_spectrogram(a[:, 0], audio), audio) for a in self.audios(sovits)]
        generator = torch.Generator().manual_seed(0)
        shape = mels[0].shape
        signs = [torch.randint(0, 2, shape, generator=generator) * 2 - 1 for _ in range(projections)]
        return [(mel * sign).mean() for mel in mels for sign in signs]


def gpt_calibration(voices: Iterable[Voice]) -> list[GptBatch]:
    """Real speech that every model has at hand: each voice's own prompt, its tokens and its phonemes."""
    return [_gpt_batch(voice) for voice in voices]


def sovits_calibration(voices: Iterable[Voice], inter: int, noise_scale: float = 0.5) -> list[SovitsBatch]:
    """The same prompts, each in its own voice; ``inter`` is the width of the latent, noise is seeded."""
    generator = torch.Generator().manual_seed(0)
    return [_sovits_batch(voice, inter, noise_scale, generator) for voice in voices]


def _gpt_batch(voice: Voice) -> GptBatch:
    codes, ids = torch.tensor(voice.prompt_tokens)[None], torch.tensor(voice.prompt_phoneme_ids)[None]
    bert = None if voice.prompt_bert is None else torch.tensor(voice.prompt_bert)[None]
    return GptBatch(ids, torch.tensor([ids.shape[1]]), codes, torch.tensor([codes.shape[1]]), bert)


def _sovits_batch(voice: Voice, inter: int, noise_scale: float, generator: torch.Generator) -> SovitsBatch:
    codes, ids = torch.tensor(voice.prompt_tokens)[None], torch.tensor(voice.prompt_phoneme_ids)[None]
    noise = torch.randn(1, inter, 2 * codes.shape[1], generator=generator) * noise_scale
    return SovitsBatch(codes, ids, torch.tensor(voice.style)[None, :, None], noise)
