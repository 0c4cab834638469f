"""The teacher: a GPT-SoVITS model as it is, ready to speak and to be compressed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from autocompress.errors import CheckpointError, MalformedError
from autocompress.models import reference
from autocompress.models.audio import Samples
from autocompress.models.bert import BertFeatures
from autocompress.models.checkpoint import attach_spare, load_gpt, load_sovits
from autocompress.models.content import ContentEncoder, HubertContent
from autocompress.models.gpt import Gpt
from autocompress.models.sampling import SamplingSettings
from autocompress.models.sovits.layers import fold_weight_norm
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.speaker_network import load_speaker_network
from autocompress.models.speech import (
    Sentence,
    SpeechSettings,
    TextFrontEnd,
    check_pair,
    check_voice,
    choose_tokens,
    joined,
    render,
)
from autocompress.models.text import Phonemes
from autocompress.models.voice import Voice
from autocompress.models.voice_sources import VoiceSource, read_voices
from autocompress.models.voices import LazyVoices, VoiceMaker
from autocompress.models.whisper_content import WhisperContent


@dataclass(frozen=True, eq=False)
class Teacher:
    """Frozen networks, text front end, voices. ``sovits`` keeps the checkpoint's weight_g/weight_v pairs."""

    gpt: Gpt
    sovits: Sovits
    text: TextFrontEnd
    voice_maker: VoiceMaker
    voices: Mapping[str, Voice] = field(default_factory=dict)
    name: str = ""
    settings: SpeechSettings = field(default_factory=SpeechSettings)  # used where a call names none

    def __post_init__(self) -> None:
        check_pair(self.gpt, self.sovits)

    @cached_property
    def _fast_sovits(self) -> Sovits:
        """SoVITS with its weight norm multiplied out, for speaking."""
        return fold_weight_norm(self.sovits).eval()

    @property
    def version(self) -> str:
        return self.sovits.config.version

    @property
    def sample_rate_hz(self) -> int:
        return self.sovits.config.audio.sample_rate_hz

    def voice(
        self,
        recording: str | Path,
        transcript: str | None = None,
        *,
        name: str | None = None,
        language: str = "auto",
        references: tuple[Path, ...] = (),
        tokens: Path | tuple[int, ...] | None = None,
    ) -> Voice:
        """A known voice by name, a saved one by its ``.npz``, or a new one from a recording and its words."""
        if transcript is None:
            return self._known_voice(recording)
        path = Path(recording)
        source = VoiceSource(name or path.stem, path, transcript, language, references, tokens)
        return self.voice_maker.make(source)

    def say(
        self,
        text: str,
        voice: str | Voice,
        seed: int = 0,
        *,
        language: str = "auto",
        settings: SpeechSettings | None = None,
    ) -> Samples:
        """Audio float32 [n_samples] at ``sample_rate_hz``; same text, voice and seed, same samples."""
        settings = settings or self.settings
        sentences = self.speak(text, voice, seed, language=language, settings=settings)
        return joined([sentence.audio for sentence in sentences], self.sample_rate_hz, settings.pause_s)

    def speak(
        self,
        text: str,
        voice: str | Voice,
        seed: int = 0,
        *,
        language: str = "auto",
        settings: SpeechSettings | None = None,
    ) -> list[Sentence]:
        """:meth:`say`, sentence by sentence, with the phonemes and tokens of each."""
        chosen = self._known_voice(voice) if isinstance(voice, str) else voice
        check_voice(chosen, self.sovits)
        generator = torch.Generator().manual_seed(seed)
        return [
            self._sentence(self.text(sentence, language), chosen, settings or self.settings, generator)
            for sentence in self.text.sentences(text, language)
        ]

    def _sentence(
        self, phonemes: Phonemes, voice: Voice, settings: SpeechSettings, generator: torch.Generator
    ) -> Sentence:
        features = self.text.features(phonemes)
        made = choose_tokens(self.gpt, phonemes, features, voice, settings.sampling, generator)
        return Sentence(
            phonemes,
            made,
            render(self._fast_sovits, made.callers_tokens, phonemes, voice, settings, generator),
        )

    def _known_voice(self, name: str | Path) -> Voice:
        if str(name) in self.voices:
            return self.voices[str(name)]
        if Path(name).suffix == ".npz":
            return Voice.load(name)
        known = ", ".join(sorted(self.voices)) or "none"
        raise MalformedError(
            f"no voice {str(name)!r}; known: {known}. Give one of them, or a recording with its transcript."
        )


def load_teacher(  # noqa: PLR0913 (one name for each file that a user may have)
    name: str | None = None,
    *,
    gpt: str | Path | None = None,
    sovits: str | Path | None = None,
    voices: str | Path | None = None,
    vocoder: str | Path | None = None,
    hubert: str | Path | ContentEncoder | None = None,
    bert: str | Path | None = None,
    speaker_network: str | Path | None = None,
) -> Teacher:
    """A packaged model by its name, or one from upstream's two files.

    ``voices`` is a voices.toml; ``hubert`` and ``bert`` are the user's own folders (without HuBERT a
    voice needs precomputed tokens, without BERT Chinese gets zeros); ``speaker_network`` is v2Pro's
    ERes2NetV2 file. ``vocoder`` is a spare one of ``autocompress model train-vocoder``.
    """
    if name is not None:
        return _named(name)
    if gpt is None or sovits is None:
        raise CheckpointError("a model needs both of its files: give gpt=… and sovits=…, or a packaged name.")
    first, second = load_gpt(gpt), load_sovits(sovits)
    check_pair(first, second)
    if vocoder is not None:
        attach_spare(second, vocoder)
    encoder = HubertContent(hubert) if isinstance(hubert, str | Path) else hubert
    features = BertFeatures(bert) if bert is not None else None
    network = None if speaker_network is None else load_speaker_network(speaker_network)
    maker = VoiceMaker(second, Path(sovits).stem, encoder, features, network)
    made = LazyVoices(maker, read_voices(voices) if voices else ())
    return Teacher(first, second, TextFrontEnd(second.config.version, features), maker, made, Path(gpt).stem)


# With upstream's repetition penalty of 1.35 this GPT stops early: many of its 512 codes occur in a prompt,
# and EOS is the one that is never penalised. Cooler tokens and less noise than upstream's were understood
# better on clips kept out of training (CER 0.38 against 0.44, and 0.15 against 0.20).
REFERENCE_SPEECH = SpeechSettings(SamplingSettings(top_k=5, temperature=0.4, repetition_penalty=1.0), 0.25)


def load_reference() -> Teacher:
    """The model that ships with the package; new voices need the extra ``clone``."""
    reference.verify_files()
    gpt, sovits = load_gpt(reference.GPT), load_sovits(reference.SOVITS)
    attach_spare(sovits, reference.SPARE)
    # Its GPT was trained on clips without the silence that upstream appends to a prompt.
    maker = VoiceMaker(sovits, "reference", WhisperContent(), prompt_tail_s=0.0)
    voices = LazyVoices(maker, read_voices(reference.VOICES), known_good=True)
    text = TextFrontEnd(sovits.config.version)
    return Teacher(gpt, sovits, text, maker, voices, "reference", REFERENCE_SPEECH)


# Models that come with the package: name → how to load it.
NAMED_TEACHERS: dict[str, Callable[[], Teacher]] = {"reference": load_reference}


def _named(name: str) -> Teacher:
    if name not in NAMED_TEACHERS:
        known = ", ".join(sorted(NAMED_TEACHERS)) or "none"
        raise CheckpointError(f"no packaged model {name!r}; known: {known}. Give gpt=… and sovits=… instead.")
    return NAMED_TEACHERS[name]()
