"""Speaking with the two networks: text and a voice → semantic tokens → audio."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from autocompress.errors import BundleError, CheckpointError
from autocompress.models.audio import Samples
from autocompress.models.bert import BertFeatures, bert_features
from autocompress.models.gpt import Gpt
from autocompress.models.sampling import Generation, SamplingSettings, generate
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.text import Phonemes, split_sentences, symbol_table, to_phonemes
from autocompress.models.text.sentences import PAUSE_BETWEEN_SENTENCES_S
from autocompress.models.voice import Voice


@dataclass(frozen=True)
class SpeechSettings:
    """``noise_scale`` 0 and ``top_k`` 1 leave nothing to chance; ``speed`` 2 is twice as fast."""

    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    noise_scale: float = 0.5
    speed: float = 1.0
    pause_s: float = PAUSE_BETWEEN_SENTENCES_S


@dataclass(frozen=True)
class TextFrontEnd:
    """Text → phonemes of one version's table; BERT features where the user gave a RoBERTa folder."""

    version: str
    bert: BertFeatures | None = None

    def __call__(self, text: str, language: str = "auto") -> Phonemes:
        return to_phonemes(text, language, self.version)

    def sentences(self, text: str, language: str = "auto") -> tuple[str, ...]:
        return split_sentences(text, language)

    def features(self, phonemes: Phonemes) -> Samples | None:
        """BERT features [1024, P], None for zeros."""
        chinese = any(segment.language == "zh" for segment in phonemes.segments)
        return bert_features(phonemes, self.bert) if self.bert is not None and chinese else None


@dataclass(frozen=True)
class Sentence:
    """One spoken sentence: its phonemes, the tokens that the GPT chose, and audio [n_samples]."""

    phonemes: Phonemes
    generation: Generation
    audio: Samples


def check_pair(gpt: Gpt, sovits: Sovits) -> None:
    """Whether two networks belong together; raises CheckpointError that lists why not."""
    table, codes = len(symbol_table(sovits.config.version)), sovits.config.quantizer.codes
    faults = []
    if gpt.config.phoneme_vocab < table:
        faults.append(f"the GPT knows {gpt.config.phoneme_vocab} phonemes, SoVITS' table has {table}")
    if gpt.config.eos != codes:
        faults.append(f"the GPT speaks {gpt.config.eos} tokens, SoVITS has {codes} codes")
    if faults:
        raise CheckpointError(
            f"the two files do not belong together: {'; '.join(faults)}. Give GPT and SoVITS of the same "
            "version (v2, v2Pro and v2ProPlus share the GPT)."
        )


def check_voice(voice: Voice, sovits: Sovits) -> None:
    """Whether a voice was made for this model; raises BundleError that lists why not."""
    config, faults = sovits.config, []
    if len(voice.style) != config.gin:
        faults.append(f"its style has {len(voice.style)} values instead of {config.gin}")
    if int(voice.prompt_tokens.max()) >= config.quantizer.codes:
        faults.append(f"its tokens go beyond {config.quantizer.codes - 1}")
    if int(voice.prompt_phoneme_ids.max()) >= len(symbol_table(config.version)):
        faults.append(f"its phonemes are not those of {config.version}")
    if faults:
        raise BundleError(
            f"voice {voice.name!r} was made for another model: {'; '.join(faults)}. Make it again."
        )


def choose_tokens(
    gpt: Gpt, phonemes: Phonemes, features: Samples | None, voice: Voice, settings: SamplingSettings,
    generator: torch.Generator,
) -> Generation:  # fmt: skip
    """The GPT's part: prompt phonemes and target phonemes, after the prompt's tokens."""
    ids = np.concatenate((voice.prompt_phoneme_ids, np.array(phonemes.ids, dtype=np.int64)))
    bert = None
    if features is not None or voice.prompt_bert is not None:
        width = gpt.config.bert_width
        target = np.zeros((width, len(phonemes.ids)), np.float32) if features is None else features
        bert = torch.from_numpy(np.concatenate((voice.bert(width), target), axis=1))[None]
    prompt = torch.from_numpy(np.array(voice.prompt_tokens))[None]
    return generate(gpt, torch.from_numpy(ids)[None], bert, prompt, settings, generator=generator)


@torch.inference_mode()
def render(
    sovits: Sovits, codes: Tensor, phonemes: Phonemes, voice: Voice, settings: SpeechSettings,
    generator: torch.Generator,
) -> Samples:  # fmt: skip
    """SoVITS' part: codes [N] and the target's phonemes in the voice's style → audio [n_samples]."""
    frames = 2 * len(codes) if settings.speed == 1.0 else int(2 * len(codes) / settings.speed) + 1
    noise = torch.randn(1, sovits.config.inter, frames, generator=generator) * settings.noise_scale
    style = torch.from_numpy(np.array(voice.style))[None, :, None]
    text = torch.tensor([phonemes.ids])
    audio = sovits.synthesize(codes[None], text, style, noise, speed=settings.speed)[0, 0]
    samples: Samples = audio.numpy()
    return samples


def joined(pieces: Sequence[Samples], sample_rate_hz: int, pause_s: float) -> Samples:
    """Sentences with silence between; a peak above 1 is scaled down to 1."""
    pause = np.zeros(round(pause_s * sample_rate_hz), np.float32)
    parts = [part for piece in pieces for part in (piece, pause)][:-1]
    audio = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    peak = float(np.abs(audio).max(initial=0.0))
    return audio / np.float32(peak) if peak > 1 else audio
