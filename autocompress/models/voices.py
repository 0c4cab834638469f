"""Making voices: a reference recording and its transcript → prompt tokens, style and speaker vector.

The reference path of GPT-SoVITS: content features of the 16 kHz wave with a tail of silence → the
quantizer's codes; the spectrogram at the model's rate → the style encoder; for v2Pro the same wave at
16 kHz → the speaker network.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autocompress.errors import CheckpointError, MalformedError, TextError
from autocompress.models.audio import AudioWarning, Recording, Samples, load_recording, resampled
from autocompress.models.bert import BertFeatures, bert_features
from autocompress.models.content import CONTENT_RATE_HZ, ContentEncoder
from autocompress.models.fbank import FBANK_RATE_HZ
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.speaker_network import SpeakerNetwork
from autocompress.models.spectrogram import magnitude_spectrogram, with_tamed_peak
from autocompress.models.text import Phonemes, finish_sentence, to_phonemes
from autocompress.models.voice import Ids, Voice, VoiceOrigin
from autocompress.models.voice_sources import VoiceSource, check_tokens, read_tokens

# Upstream counts 0.3 s at 32 kHz and appends as many samples to the 16 kHz wave.
PROMPT_TAIL_S = 0.6


@dataclass(frozen=True)
class VoiceMaker:
    """Makes voices for one SoVITS model, whose name ``model`` each voice remembers.

    Without ``content_encoder`` every source must bring its prompt tokens; without ``bert`` Chinese prompts
    get zeros; ``speaker_network`` is needed by v2Pro and v2ProPlus only.
    """

    sovits: Sovits
    model: str = ""
    content_encoder: ContentEncoder | None = None
    bert: BertFeatures | None = None
    speaker_network: SpeakerNetwork | None = None
    prompt_tail_s: float = PROMPT_TAIL_S

    def make(self, source: VoiceSource) -> Voice:
        """The voice of one source; raises AudioError, TextError or MalformedError for what it cannot use."""
        recordings = [load_recording(path) for path in source.recordings]
        phonemes = self._prompt_phonemes(source)
        tokens = self._prompt_tokens(source, recordings[0])
        waves = [self._model_wave(recording) for recording in recordings]
        spectrograms = tuple(self._spectrogram(wave) for wave in waves)
        speaker_vectors = self._speaker_vectors(waves)
        bert_used = self.bert is not None and any(segment.language == "zh" for segment in phonemes.segments)
        return Voice(
            name=source.name,
            language=source.language,
            transcript=phonemes.normalized,
            prompt_tokens=tokens,
            prompt_phoneme_ids=np.array(phonemes.ids, dtype=np.int64),
            prompt_bert=bert_features(phonemes, self.bert) if bert_used else None,
            style=_mean_style(self.sovits, spectrograms, speaker_vectors),
            spectrograms=spectrograms,
            speaker_vectors=speaker_vectors,
            origin=self._origin(source, recordings, bert_used),
        )

    def _prompt_phonemes(self, source: VoiceSource) -> Phonemes:
        if not source.transcript.strip():
            raise TextError(f"voice {source.name!r}: it needs the transcript of its recording, found none.")
        text = finish_sentence(source.transcript.replace("\n", " "), source.language)
        return to_phonemes(text, source.language, self.sovits.config.version)

    def _prompt_tokens(self, source: VoiceSource, recording: Recording) -> Ids:
        if isinstance(source.tokens, Path):
            tokens = read_tokens(source.tokens)
        elif source.tokens is not None:
            tokens = check_tokens(source.tokens, f"voice {source.name!r}")
        elif self.content_encoder is not None:
            tokens = self._encode(recording, self.content_encoder)
        else:
            raise MalformedError(
                f"voice {source.name!r}: its prompt tokens need a content encoder, found none. Give the "
                "folder of chinese-hubert-base, or precomputed tokens ('tokens' in voices.toml)."
            )
        codes = self.sovits.config.quantizer.codes
        if tokens.max() >= codes:
            raise MalformedError(
                f"voice {source.name!r}: token {tokens.max()} is outside of the model's 0 to {codes - 1}. "
                "These tokens were made for another model."
            )
        return tokens

    @torch.inference_mode()
    def _encode(self, recording: Recording, encoder: ContentEncoder) -> Ids:
        tail = np.zeros(round(self.prompt_tail_s * CONTENT_RATE_HZ), np.float32)
        features = encoder(np.concatenate([recording.at_rate(CONTENT_RATE_HZ), tail]))  # [D, T] at 50 Hz
        width = self.sovits.config.quantizer.width
        if features.shape[0] != width:
            raise CheckpointError(
                f"{encoder.name} gives {features.shape[0]} features a frame, the model takes {width}. "
                "Use the content encoder that the model was trained with."
            )
        codes = self.sovits.extract_codes(torch.from_numpy(features)[None])
        return check_tokens(codes[0].numpy(), encoder.name)

    def _model_wave(self, recording: Recording) -> Samples:
        return with_tamed_peak(recording.at_rate(self.sovits.config.audio.sample_rate_hz))

    def _spectrogram(self, wave: Samples) -> Samples:
        """Only the bins that the style encoder reads [bins, R]."""
        config = self.sovits.config
        return np.ascontiguousarray(magnitude_spectrogram(wave, config.audio)[: config.style.bins])

    def _speaker_vectors(self, waves: list[Samples]) -> tuple[Samples, ...]:
        config = self.sovits.config
        if not config.pro:
            return ()
        if self.speaker_network is None:
            raise MalformedError(
                f"a {config.version} voice needs a speaker network. Give pretrained_eres2netv2w24s4ep4.ckpt."
            )
        rate_hz = config.audio.sample_rate_hz
        network = self.speaker_network
        return tuple(network.speaker_vector(resampled(wave, rate_hz, FBANK_RATE_HZ)) for wave in waves)

    def _origin(self, source: VoiceSource, recordings: list[Recording], bert_used: bool) -> VoiceOrigin:
        encoder = self.content_encoder if source.tokens is None else None
        speaker = self.speaker_network if self.sovits.config.pro else None
        return VoiceOrigin(
            recordings=tuple(recording.source_sha256 for recording in recordings),
            version=self.sovits.config.version,
            model=self.model,
            content_encoder=encoder.name if encoder else None,
            bert=self.bert.name if self.bert and bert_used else None,
            speaker_network=speaker.name if speaker else None,
        )


class LazyVoices(Mapping[str, Voice]):
    """Voices by name, each made when it is first asked for: a model with many of them starts at once."""

    def __init__(
        self, maker: VoiceMaker, sources: Sequence[VoiceSource], *, known_good: bool = False
    ) -> None:
        """``known_good`` recordings are not warned about: the package's own clips are as long as they are."""
        self._maker = maker
        self._known_good = known_good
        self._sources = {source.name: source for source in sources}
        self._made: dict[str, Voice] = {}

    def __getitem__(self, name: str) -> Voice:
        if name not in self._made:
            with warnings.catch_warnings():
                if self._known_good:
                    warnings.simplefilter("ignore", AudioWarning)
                self._made[name] = self._maker.make(self._sources[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def with_style(voice: Voice, sovits: Sovits) -> Voice:
    """The voice with the style that ``sovits`` hears in its references, averaged over them."""
    return replace(voice, style=_mean_style(sovits, voice.spectrograms, voice.speaker_vectors))


@torch.inference_mode()
def _mean_style(sovits: Sovits, spectrograms: Sequence[Samples], vectors: Sequence[Samples]) -> Samples:
    """Style [gin] of references [bins, R] (v2Pro: each with its speaker vector)."""
    speakers = [_batch(vector) for vector in vectors]
    style = sovits.mean_style([_batch(spectrogram) for spectrogram in spectrograms], speakers or None)
    mean: Samples = style[0, :, 0].numpy()  # of [1, gin, 1]
    return mean


def _batch(array: Samples) -> Tensor:
    # A copy: torch warns about the read-only arrays of a voice.
    return torch.from_numpy(np.array(array))[None]
