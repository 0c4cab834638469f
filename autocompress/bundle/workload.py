"""The reference workload on a bundle: 30 + 30 phonemes, a 75-token prompt, 100 forced tokens (4 s)."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from autocompress.bundle.decoder import Prompt, forced
from autocompress.bundle.runtime import Bundle
from autocompress.bundle.sampling import choose
from autocompress.bundle.synthesizer import STREAMED, WHOLE, random_utterance, stream
from autocompress.models.text import to_phonemes

PROMPT_PHONEMES, TARGET_PHONEMES, PROMPT_TOKENS, TOKENS = 30, 30, 75, 100
AUDIO_S = 4.0
SENTENCE = "The two of them walked home along the river."  # about thirty phonemes


@dataclass(frozen=True)
class Times:
    """Seconds of one round, by component; ``first_window_s`` is what the vocoder takes to the first sound."""

    text_s: float
    prefill_s: float
    steps_s: float
    vocoder_s: float
    first_window_s: float

    @property
    def latency_s(self) -> float:
        return self.text_s + self.prefill_s + self.steps_s + self.vocoder_s

    @property
    def first_audio_s(self) -> float:
        return self.text_s + self.prefill_s + self.steps_s + self.first_window_s


def run_workload(bundle: Bundle, seed: int = 0) -> Times:
    """One round. Tokens are drawn as in speech, and others are forced: the length must not hang on chance."""
    started = time.perf_counter()
    to_phonemes(SENTENCE, "en", bundle.manifest.text.version)
    text_s = time.perf_counter() - started
    prefill_s, steps_s = _time_gpt(bundle, seed)
    return Times(text_s, prefill_s, steps_s, *_time_vocoder(bundle, seed))


def _time_gpt(bundle: Bundle, seed: int) -> tuple[float, float]:
    generator = np.random.default_rng(seed)
    tokens = generator.integers(bundle.manifest.audio.codes, size=PROMPT_TOKENS + TOKENS)
    phonemes = generator.integers(1, 300, size=PROMPT_PHONEMES + TARGET_PHONEMES)
    prompt, new = Prompt(phonemes, tokens[:PROMPT_TOKENS]), tokens[PROMPT_TOKENS:]
    marks = [time.perf_counter()]
    for index, logits in enumerate(forced(bundle.decoder, prompt, new)):
        history = tokens[: PROMPT_TOKENS + index]
        choose(logits, history, bundle.manifest.speech, index, generator)
        marks.append(time.perf_counter())
    return marks[1] - marks[0], marks[-1] - marks[1]


def _time_vocoder(bundle: Bundle, seed: int) -> tuple[float, float]:
    """All of it in one go, and its first window when streamed."""
    utterance = random_utterance(bundle.manifest.audio, TOKENS, TARGET_PHONEMES, seed)
    session, audio = bundle.graphs.sovits(0), bundle.manifest.audio
    seconds = []
    for windows in (WHOLE, STREAMED):
        started = time.perf_counter()
        next(stream(session, utterance, audio, windows))
        seconds.append(time.perf_counter() - started)
    return seconds[0], seconds[1]


def run_rounds(bundle: Bundle, rounds: int, seed: int = 0) -> Iterable[Times]:
    """``rounds`` rounds after one that warms up."""
    run_workload(bundle, seed)
    return [run_workload(bundle, seed) for _ in range(rounds)]
