"""The reference model's whole corpus, spoken into a folder: Kokoro's clips, then Hibari's for the GPT."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from autocompress.models.mel import FloatArray
from autocompress.models.training.dataset import GPT_ONLY
from autocompress.models.training.hibari import Hibari, PitchedLine
from autocompress.models.training.kokoro import SAMPLE_RATE_HZ, Kokoro, Line, check_voices

_QUIET, _MARGIN_S = 0.01, 0.03


def speak_corpus(
    lines: Sequence[Line],
    pitched: Sequence[PitchedLine],
    voices: Path,
    out: Path,
    report: Callable[[int, int], None],
    threads: int = 1,
) -> None:
    """Speak every line into ``out`` (FLAC and ``manifest.jsonl``); clips that are there are kept."""
    check_voices(lines, voices)
    out.mkdir(parents=True, exist_ok=True)
    total = len(lines) + len(pitched)
    rows = []
    for row in chain(
        _kokoro_clips(lines, Kokoro(voices, threads), out), _hibari_clips(pitched, threads, out)
    ):
        rows.append(row)
        report(len(rows), total)
    manifest = out / "manifest.tmp"
    manifest.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    manifest.replace(out / "manifest.jsonl")


def _kokoro_clips(lines: Sequence[Line], speak: Kokoro, out: Path) -> Iterator[dict[str, Any]]:
    for index, line in enumerate(lines):
        clip = out / f"{index:05d}.flac"
        if not clip.is_file():
            _write(clip, speak(line))
        yield {"file": clip.name, "speaker": line.speaker, "text": line.text, "phonemes": line.phonemes}


def _hibari_clips(lines: Sequence[PitchedLine], threads: int, out: Path) -> Iterator[dict[str, Any]]:
    speak = Hibari(threads) if lines else None
    for index, line in enumerate(lines):
        clip = out / f"hibari_{index:05d}.flac"
        if speak is not None and not clip.is_file():
            _write(clip, speak(line))
        yield {"file": clip.name, "speaker": line.speaker, "text": line.text, "split": GPT_ONLY}


def _write(clip: Path, wave: FloatArray) -> None:
    temporary = clip.with_suffix(".tmp")
    soundfile.write(temporary, _trimmed(wave), SAMPLE_RATE_HZ, format="FLAC")
    temporary.replace(clip)


def _trimmed(wave: FloatArray) -> FloatArray:
    """Without the silence at both ends, but for 30 ms."""
    loud = np.flatnonzero(np.abs(wave) > _QUIET)
    if not len(loud):
        return wave
    margin = int(_MARGIN_S * SAMPLE_RATE_HZ)
    return wave[max(0, loud[0] - margin) : loud[-1] + margin]
