"""The teacher speaks the training data: seeded, utterance by utterance, kept in a folder by its content.

An utterance is one file named by a hash of everything that it depends on, so a killed run goes on with the
next one, and another candidate of the same teacher finds them all.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from autocompress.errors import AutocompressError
from autocompress.models.audio import AudioWarning
from autocompress.models.sampling import generate
from autocompress.models.sovits.layers import fold_weight_norm
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.teacher import Teacher
from autocompress.models.text import Phonemes
from autocompress.models.training.corpus import Clip
from autocompress.models.training.taught import Taught
from autocompress.models.voice import Ids, Voice
from autocompress.models.voice_sources import VoiceSource
from autocompress.production.sentences import training_sentences

MOST_TOKENS = 150  # of a taught utterance: six seconds
LEAST_TOKENS = 8
VERSION = 1  # of what an utterance holds; another number teaches anew

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Topic:
    """What is to be said: ``text`` in ``voice``; with ``clip`` the tokens are those of the recording."""

    text: str
    language: str
    voice: str
    seed: int
    clip: Clip | None = None


@dataclass(frozen=True, eq=False)
class Classroom:
    """A teacher that is asked to speak; ``teacher_id`` is a hash of its weights."""

    teacher: Teacher
    teacher_id: str
    folder: Path
    voices: Sequence[Voice]
    seed: int = 0
    _said: dict[str, Taught] = field(default_factory=dict, repr=False)

    def teach(self, topics: Sequence[Topic], report: Report = lambda _, __: None) -> list[Taught]:
        """One utterance a topic, from its file where there is one; what cannot be said is left out."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found = []
        for done, topic in enumerate(topics, 1):
            path = self.folder / f"{self._address(topic)}.npz"
            utterance = Taught.load(path) or self._spoken(topic, path)
            if utterance is not None and len(utterance.tokens) >= LEAST_TOKENS:
                found.append(utterance)
            report(done, len(topics))
        return found

    def topics(self, count: int, first: int = 0) -> list[Topic]:
        """``count`` shipped sentences, the voices taking turns; each goes on where the last list ended."""
        names = [voice.name for voice in self.voices]
        language = {voice.name: voice.language for voice in self.voices}
        return [self._topic(n, names[n % len(names)], language) for n in range(first, first + count)]

    def recorded_topics(self, clips: Sequence[Clip]) -> list[Topic]:
        """Recordings as they are, in an order of their own."""
        order = np.random.default_rng((self.seed, 7)).permutation(len(clips))
        return [
            Topic(clips[i].text, clips[i].language, clips[i].speaker, self.seed + int(i), clips[i])
            for i in order
        ]

    def _topic(self, number: int, voice: str, language: dict[str, str]) -> Topic:
        sentences = training_sentences(language[voice])
        turn, place = divmod(number, len(sentences))
        order = np.random.default_rng((self.seed, turn)).permutation(len(sentences))
        return Topic(sentences[order[place]], language[voice], voice, self.seed * 1_000_003 + number)

    def _address(self, topic: Topic) -> str:
        voice = self._voices.get(topic.voice)
        facts = {
            "version": VERSION,
            "teacher": self.teacher_id,
            "voice": "" if voice is None or topic.clip else voice.identity,
            "text": [topic.text, topic.language],
            "clip": "" if topic.clip is None else hashlib.sha256(topic.clip.path.read_bytes()).hexdigest(),
            "seed": topic.seed,
            "settings": repr(self.teacher.settings),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]

    @cached_property
    def _voices(self) -> dict[str, Voice]:
        return {voice.name: voice for voice in self.voices}

    @cached_property
    def _sovits(self) -> Sovits:
        return fold_weight_norm(self.teacher.sovits).eval()

    def _spoken(self, topic: Topic, path: Path) -> Taught | None:
        try:
            phonemes = self.teacher.text(topic.text, topic.language)
            made = self._recorded(topic) if topic.clip is not None else self._sampled(topic, phonemes)
        except AutocompressError:  # a text or a recording that this teacher cannot use teaches nothing
            return None
        if len(made.tokens) < LEAST_TOKENS:
            return None
        utterance = self._heard(made, phonemes, topic.seed)
        utterance.save(path)
        return utterance

    def _recorded(self, topic: Topic) -> "_Tokens":
        """Tokens and style of a recording; no prompt, as upstream trains on whole utterances."""
        assert topic.clip is not None
        source = VoiceSource(topic.clip.speaker, topic.clip.path, topic.text, topic.language)
        maker = replace(self.teacher.voice_maker, prompt_tail_s=0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AudioWarning)  # on length and level: this is no voice to be kept
            voice = maker.make(source)
        tokens = voice.prompt_tokens
        return _Tokens(_NONE, _NONE, tokens[:MOST_TOKENS], len(tokens) <= MOST_TOKENS, voice)

    @torch.inference_mode()
    def _sampled(self, topic: Topic, phonemes: Phonemes) -> "_Tokens":
        voice = self._voices[topic.voice]
        ids = torch.from_numpy(np.concatenate((voice.prompt_phoneme_ids, np.array(phonemes.ids))))[None]
        prompt = torch.from_numpy(np.array(voice.prompt_tokens))[None]
        bert = self._bert(voice, phonemes)
        made = generate(
            self.teacher.gpt,
            ids,
            None if bert is None else torch.from_numpy(bert)[None],
            prompt,
            self.teacher.settings.sampling,
            generator=torch.Generator().manual_seed(topic.seed),
            early_stop_tokens=MOST_TOKENS - 1,
        )
        tokens = made.tokens.numpy().astype(np.int64)
        return _Tokens(
            voice.prompt_phoneme_ids, voice.prompt_tokens, tokens, made.stopped_by_eos, voice, bert
        )

    def _bert(self, voice: Voice, phonemes: Phonemes) -> np.ndarray | None:
        """Features of prompt and sentence, where the teacher reads any."""
        features, width = self.teacher.text.features(phonemes), self.teacher.gpt.config.bert_width
        if features is None and voice.prompt_bert is None:
            return None
        own = np.zeros((width, len(phonemes.ids)), np.float32) if features is None else features
        return np.concatenate((voice.bert(width), own), axis=1)

    @torch.inference_mode()
    def _heard(self, made: "_Tokens", phonemes: Phonemes, seed: int) -> Taught:
        """What the teacher's SoVITS makes of the tokens, with the noise that the student will get, too."""
        sovits, scale = self._sovits, self.teacher.settings.noise_scale
        codes, text = torch.from_numpy(made.tokens.copy())[None], torch.tensor([phonemes.ids])
        style = torch.from_numpy(np.array(made.voice.style))[None, :, None]
        generator = torch.Generator().manual_seed(seed + 1)
        shape = (1, sovits.config.inter, 2 * codes.shape[1])
        noise = (torch.randn(shape, generator=generator) * scale).half().float()
        latents = sovits.flow(sovits.prior(codes, text, style).sample(noise), None, style, reverse=True)
        audio = sovits.dec(latents, style)[0, 0]
        return Taught(
            prompt_phonemes=np.array(made.prompt_phonemes, np.int64),
            prompt_tokens=np.array(made.prompt_tokens, np.int64),
            phonemes=np.array(phonemes.ids, np.int64),
            tokens=made.tokens,
            style=np.array(made.voice.style, np.float32),
            noise=noise[0].half().numpy(),
            latents=latents[0].half().numpy(),
            audio=np.clip(np.rint(audio.numpy() * 32768.0), -32768, 32767).astype(np.int16),
            stopped=np.array(made.stopped),
            bert=np.zeros((0, 0), np.float16) if made.bert is None else made.bert.astype(np.float16),
        )


_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class _Tokens:
    """Tokens of one utterance before they are heard."""

    prompt_phonemes: Ids
    prompt_tokens: Ids
    tokens: Ids
    stopped: bool
    voice: Voice
    bert: np.ndarray | None = None
