"""Many more words for the GPT, spoken by Hibari: a small copy of one Kokoro voice, a hundred times quicker.

``hibari_en.tsv`` beside this file holds 10 000 lines, 5 900 different sentences of free English written for
this project, each with a pitch and a pace; most are said twice, at two pitches. Hibari (PyPI package
``hibari-tts``, Apache-2.0) has one voice; its sound played quicker or slower makes four of it, so that the
GPT does not take the voice for the words. These clips teach the GPT alone: a vocoder that heard them as often
as the rest would sound like Hibari.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from autocompress.errors import MissingExtraError
from autocompress.models.audio import resampled
from autocompress.models.mel import FloatArray

SENTENCES = Path(__file__).with_name("hibari_en.tsv")
SAMPLE_RATE_HZ = 24_000


@dataclass(frozen=True)
class PitchedLine:
    """One sentence, its formants and pitch moved by the factor ``pitch``, said at ``pace`` (1 is plain)."""

    pitch: float
    pace: float
    text: str

    @property
    def speaker(self) -> str:
        return f"hibari_{round(100 * self.pitch)}"


def read_lines(path: Path = SENTENCES) -> tuple[PitchedLine, ...]:
    """The sentences in their order."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple(PitchedLine(float(row["pitch"]), float(row["pace"]), row["text"]) for row in rows)


class Hibari:
    """Callable: a line → its wave at 24 kHz."""

    def __init__(self, threads: int = 1) -> None:
        if find_spec("hibari") is None:
            raise MissingExtraError("Speaking the corpus", "hibari", "corpus")
        import hibari

        self._speak: Callable[..., FloatArray] = hibari.Hibari(threads=threads)

    def __call__(self, line: PitchedLine) -> FloatArray:
        # Said slower by the factor that playing it quicker takes back: the pitch moves, the pace stays.
        wave = self._speak(line.text, speed=line.pace / line.pitch, seed=0)
        return resampled(
            np.asarray(wave, dtype=np.float32), round(line.pitch * SAMPLE_RATE_HZ), SAMPLE_RATE_HZ
        )
