"""Audio of a report: clips on disk with a list of what they say, and their way into the page."""

import base64
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autocompress.errors import RunError
from autocompress.reporting.data import Sentence

LIST = "clips.json"
TEACHER = "teacher"
Spoken = tuple[npt.NDArray[np.float32], int]  # samples [n], sample rate in Hz


@dataclass(frozen=True)
class ClipFolder:
    """``sentences`` and, by speaker (``teacher`` or a candidate's id) and sentence, a file each."""

    folder: Path
    sentences: tuple[Sentence, ...] = ()
    files: Mapping[str, Mapping[str, Path]] | None = None

    def of(self, speaker: str) -> Mapping[str, Path]:
        return (self.files or {}).get(speaker, {})


def write_clips(
    folder: Path, sentences: Sequence[Sentence], spoken: Mapping[str, Mapping[str, Spoken]]
) -> None:
    """Write 16-bit FLAC files and their list; speakers that are already listed stay."""
    import soundfile

    known = _read_list(folder) if (folder / LIST).is_file() else {}
    for speaker, clips in spoken.items():
        (folder / speaker).mkdir(parents=True, exist_ok=True)
        for sentence, (samples, sample_rate_hz) in clips.items():
            name = f"{speaker}/{sentence}.flac"
            soundfile.write(folder / name, np.clip(samples, -1.0, 1.0), sample_rate_hz, subtype="PCM_16")
            known.setdefault(speaker, {})[sentence] = name
    known["sentences"] = [{"id": s.id, "text": s.text, "voice": s.voice} for s in sentences]
    draft = folder / f".{LIST}.draft"
    draft.write_text(json.dumps(known, indent=1, ensure_ascii=False), "utf-8")
    draft.replace(folder / LIST)


def read_clips(folder: Path) -> ClipFolder:
    """The clips of a run; none when there is no list. Files that are named and missing are refused."""
    if not (folder / LIST).is_file():
        return ClipFolder(folder)
    known = _read_list(folder)
    sentences = tuple(Sentence(s["id"], s["text"], s["voice"]) for s in known.pop("sentences", []))
    files = {
        who: {sentence: _inside(folder, name) for sentence, name in said.items()}
        for who, said in known.items()
    }
    return ClipFolder(folder, sentences, files)


def _read_list(folder: Path) -> dict[str, Any]:
    path = folder / LIST
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except ValueError as error:
        raise RunError(
            f"{path} is not the JSON object that a list of clips is ({error}). Delete it."
        ) from error


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise RunError(
            f"{folder / LIST} names {name!r}, which is no file of that folder. Make the clips again."
        )
    return path


def embed(path: Path, max_s: float = 15.0) -> str:
    """A data URI: MP3, mono, which every browser plays; the first ``max_s`` seconds."""
    import soundfile

    samples, sample_rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)[: int(max_s * sample_rate_hz)]
    buffer = io.BytesIO()
    soundfile.write(
        buffer, mono, sample_rate_hz, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.6
    )
    return "data:audio/mpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def embed_within(paths: Iterable[Path], budget_bytes: int) -> tuple[dict[Path, str], list[Path]]:
    """Data URIs in the given order until the budget is spent, and what was left out."""
    made: dict[Path, str] = {}
    left_out: list[Path] = []
    spent = 0
    for path in dict.fromkeys(paths):
        uri = embed(path)
        if spent + len(uri) > budget_bytes:
            left_out.append(path)
            continue
        made[path] = uri
        spent += len(uri)
    return made, left_out
