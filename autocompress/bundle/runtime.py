"""A bundle that speaks: text → phonemes → semantic tokens → audio, on ONNX Runtime and NumPy alone."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autocompress.bundle.decoder import Decoder, Generation, Prompt
from autocompress.bundle.graphs import Graphs, GraphSettings
from autocompress.bundle.integrity import check_files, read_manifest
from autocompress.bundle.manifest import VOICES, Manifest, SpeechDefaults
from autocompress.bundle.pacing import Pace
from autocompress.bundle.sessions import Switch, report
from autocompress.bundle.synthesizer import STREAMED, WHOLE, Utterance, Windows, stream
from autocompress.bundle.voice_store import VoiceStore
from autocompress.errors import BundleError, TextError
from autocompress.models.audio import Samples
from autocompress.models.text import Phonemes, split_sentences, symbol_table, to_phonemes
from autocompress.models.voice import Voice

TOKENS_PER_S = 25
BertCallable = Callable[[Phonemes], Samples | None]


@dataclass(frozen=True)
class Sentence:
    """One spoken sentence: its phonemes, the tokens that the GPT chose, and audio [n_samples]."""

    phonemes: Phonemes
    generation: Generation
    audio: Samples


@dataclass(frozen=True)
class _Request:
    """What stays the same from sentence to sentence."""

    voice: Voice
    language: str
    settings: SpeechDefaults
    deadline_s: float | None
    windows: Windows
    generator: np.random.Generator


@dataclass(frozen=True)
class _Tokens:
    """A sentence whose tokens are chosen, and how long that took."""

    phonemes: Phonemes
    generation: Generation
    seconds: float


class Bundle:
    """A compressed voice model with its voices. Make one with :meth:`load`.

    ``decoder`` takes the place of the GPT's graphs: another model in the same runtime, to be compared.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        graphs: Graphs,
        bert: BertCallable | None = None,
        decoder: Decoder | None = None,
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.voices = VoiceStore(folder / VOICES)
        self.graphs = graphs
        self._bert = bert
        self._decoder = decoder or Decoder(graphs.prefill, graphs.step)
        self._pace = Pace(len(manifest.tiers))
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls, path: str | Path, settings: GraphSettings | None = None, *, bert: BertCallable | None = None
    ) -> "Bundle":
        """Verify the bundle at ``path`` and open its graphs; raises BundleError with all that is wrong.

        ``bert`` gives features [1024, P] of a sentence for graphs that take them; zeros without it.
        """
        folder = Path(path)
        manifest = read_manifest(folder)
        check_files(folder, manifest)
        return cls(folder, manifest, Graphs(folder, manifest, settings or GraphSettings()), bert)

    @property
    def sample_rate_hz(self) -> int:
        return self.manifest.audio.sample_rate_hz

    @property
    def tier(self) -> str:
        """The tier that speaks at present."""
        return self.manifest.tiers[self._pace.tier].name

    @property
    def decoder(self) -> Decoder:
        """The GPT, for measuring."""
        return self._decoder

    def say(
        self,
        text: str,
        voice: str | Voice,
        seed: int = 0,
        *,
        deadline_s: float | None = None,
        language: str = "auto",
        settings: SpeechDefaults | None = None,
    ) -> Samples:
        """Audio float32 [n_samples] at ``sample_rate_hz``; same text, voice and seed, same samples.

        ``deadline_s`` is the time for a sentence of up to four seconds (longer ones in proportion); a lighter
        tier is taken when it would be missed, and reported.
        """
        request = self._request(voice, seed, language, settings, deadline_s, WHOLE)
        return np.concatenate(list(self._pieces(text, request)))

    def stream(
        self,
        text: str,
        voice: str | Voice,
        seed: int = 0,
        *,
        deadline_s: float | None = None,
        language: str = "auto",
        settings: SpeechDefaults | None = None,
    ) -> Iterator[Samples]:
        """:meth:`say` in pieces, the first before its sentence is synthesized; joined they are the same."""
        request = self._request(voice, seed, language, settings, deadline_s, STREAMED)
        return self._pieces(text, request)

    def speak(
        self,
        text: str,
        voice: str | Voice,
        seed: int = 0,
        *,
        language: str = "auto",
        settings: SpeechDefaults | None = None,
    ) -> Iterator[Sentence]:
        """:meth:`say`, sentence by sentence, with the phonemes and tokens of each."""
        request = self._request(voice, seed, language, settings, None, WHOLE)
        for sentence in self._sentences(text, language):
            chosen = self._tokens(sentence, request)
            audio = np.concatenate(list(self._audio(chosen, request)))
            yield Sentence(chosen.phonemes, chosen.generation, audio)

    def _request(
        self,
        voice: str | Voice,
        seed: int,
        language: str,
        settings: SpeechDefaults | None,
        deadline_s: float | None,
        windows: Windows,
    ) -> _Request:
        chosen = self.voices.get(voice) if isinstance(voice, str) else voice
        check_voice(chosen, self.manifest)
        if deadline_s is not None:
            self.graphs.load_all_tiers()
        generator = np.random.default_rng(seed)
        return _Request(chosen, language, settings or self.manifest.speech, deadline_s, windows, generator)

    def _sentences(self, text: str, language: str) -> tuple[str, ...]:
        sentences = split_sentences(text, language)
        if not sentences:
            raise TextError(f"there is nothing to say in {text!r}. Give words.")
        return sentences

    def _pieces(self, text: str, request: _Request) -> Iterator[Samples]:
        pause = np.zeros(round(request.settings.pause_s * self.sample_rate_hz), np.float32)
        for number, sentence in enumerate(self._sentences(text, request.language)):
            if number:
                yield pause
            yield from self._audio(self._tokens(sentence, request), request)

    def _tokens(self, sentence: str, request: _Request) -> _Tokens:
        started = time.perf_counter()
        phonemes = to_phonemes(sentence, request.language, self.manifest.text.version)
        voice, ids = request.voice, np.array(phonemes.ids, np.int64)
        prompt = Prompt(
            np.concatenate((voice.prompt_phoneme_ids, ids)),
            voice.prompt_tokens,
            self._features(phonemes, voice) if self.manifest.text.bert else None,
        )
        with self._lock:
            generation = self._decoder.generate(prompt, request.settings, request.generator)
        return _Tokens(phonemes, generation, time.perf_counter() - started)

    def _features(self, phonemes: Phonemes, voice: Voice) -> Samples | None:
        """BERT features of prompt and sentence [1024, X]; None for zeros."""
        made = None if self._bert is None else self._bert(phonemes)
        if made is None and voice.prompt_bert is None:
            return None
        prompt = voice.bert() if made is None else voice.bert(made.shape[0])
        target = np.zeros((prompt.shape[0], len(phonemes.ids)), np.float32) if made is None else made
        return np.concatenate((prompt, target), axis=1)

    def _audio(self, chosen: _Tokens, request: _Request) -> Iterator[Samples]:
        """A sentence's audio, window by window, on the tier that keeps the deadline."""
        audio, codes = self.manifest.audio, chosen.generation.callers_tokens
        noise = request.generator.standard_normal((audio.inter, 2 * len(codes)), np.float32)
        utterance = Utterance(
            codes,
            np.array(chosen.phonemes.ids, np.int64),
            request.voice.style,
            noise * np.float32(request.settings.noise_scale),
        )
        session = self.graphs.sovits(self._choose_tier(chosen, request.deadline_s))
        pieces, seconds = stream(session, utterance, audio, request.windows), 0.0
        while True:
            started = time.perf_counter()
            piece = next(pieces, None)
            seconds += time.perf_counter() - started
            if piece is None:
                break
            yield piece
        self._pace.record(seconds, len(codes) / TOKENS_PER_S)

    def _choose_tier(self, chosen: _Tokens, deadline_s: float | None) -> int:
        before, audio_s = self._pace.tier, len(chosen.generation.callers_tokens) / TOKENS_PER_S
        decision = self._pace.decide(deadline_s, chosen.seconds, audio_s)
        if decision.tier != before:
            names = [tier.name for tier in self.manifest.tiers]
            switch = Switch("tier", names[before], names[decision.tier], decision.reason)
            report(switch, self.graphs.settings.on_switch)
        return decision.tier


def check_voice(voice: Voice, manifest: Manifest) -> None:
    """Whether a voice was made for this model; raises BundleError that lists why not."""
    audio, version, faults = manifest.audio, manifest.text.version, []
    if len(voice.style) != audio.gin:
        faults.append(f"its style has {len(voice.style)} values instead of {audio.gin}")
    if int(voice.prompt_tokens.max()) >= audio.codes:
        faults.append(f"its tokens go beyond {audio.codes - 1}")
    if int(voice.prompt_phoneme_ids.max()) >= len(symbol_table(version)):
        faults.append(f"its phonemes are not those of {version}")
    if faults:
        raise BundleError(
            f"voice {voice.name!r} was made for another model: {'; '.join(faults)}. Make it again."
        )
