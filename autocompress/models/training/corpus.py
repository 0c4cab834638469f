"""Recordings with transcripts: from a manifest, a GPT-SoVITS ``.list`` file, or a folder of pairs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autocompress.errors import MalformedError
from autocompress.models.training.dataset import GPT_ONLY

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")
LANGUAGES = {"zh", "en", "ja", "ko", "yue"}


@dataclass(frozen=True)
class Clip:
    """One recording of one sentence."""

    path: Path
    speaker: str
    text: str
    language: str = "en"
    gpt_only: bool = False  # SoVITS is not to sound like it


def read_corpus(source: Path) -> tuple[Clip, ...]:
    """Every clip of ``source``, in a fixed order.

    ``source`` is a ``.list`` file (``path|speaker|language|text`` a line), a folder with ``manifest.jsonl``
    (keys file, speaker, text; ``"split": "gpt"`` keeps a clip from SoVITS), or a folder of recordings, each
    beside a ``.txt`` transcript; sub-folders of the last kind name the speakers. Raises ``MalformedError``
    that lists every fault at once.
    """
    if not source.exists():
        raise MalformedError(f"No corpus at {source}. Give a .list file or a folder of recordings.")
    if source.is_file():
        lines = _read_list(source)
    elif (source / "manifest.jsonl").is_file():
        lines = _read_manifest(source)
    else:
        lines = _read_pairs(source)
    clips, faults = [], []
    for place, found in lines:
        if isinstance(found, str):
            faults.append(f"{place}: {found}")
        elif not found.path.is_file():
            faults.append(f"{place}: no such recording: {found.path}")
        else:
            clips.append(found)
    if faults:
        raise MalformedError(f"The corpus {source} has {len(faults)} faults:\n  " + "\n  ".join(faults[:50]))
    if not clips:
        raise MalformedError(
            f"No recordings with transcripts in {source}. Put a .txt beside each recording "
            f"({', '.join(AUDIO_SUFFIXES)}), or give a .list file."
        )
    return tuple(clips)


def _read_list(source: Path) -> Iterator[tuple[str, Clip | str]]:
    for number, line in enumerate(source.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split("|", 3)
        if len(parts) != 4:
            yield f"line {number}", "expected path|speaker|language|text"
            continue
        path, speaker, language, text = (part.strip() for part in parts)
        if language.lower() not in LANGUAGES:
            yield f"line {number}", f"unknown language {language!r}; known: {', '.join(sorted(LANGUAGES))}"
            continue
        yield f"line {number}", Clip(_beside(source, path), speaker, text, language.lower())


def _beside(source: Path, name: str) -> Path:
    # .list files are often moved together with their recordings: fall back to the bare name.
    path = Path(name)
    candidates = [path] if path.is_absolute() else [source.parent / path]
    candidates.append(source.parent / path.name)
    return next((candidate for candidate in candidates if candidate.is_file()), candidates[0])


def _read_manifest(source: Path) -> Iterator[tuple[str, Clip | str]]:
    lines = (source / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            clip = Clip(
                source / row["file"],
                row["speaker"],
                row["text"],
                row.get("language", "en"),
                row.get("split") == GPT_ONLY,
            )
        except (json.JSONDecodeError, KeyError, TypeError) as fault:
            yield f"manifest.jsonl line {number}", f"not a row with file, speaker, text ({fault})"
            continue
        yield f"manifest.jsonl line {number}", clip


def _read_pairs(source: Path) -> Iterator[tuple[str, Clip | str]]:
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() not in AUDIO_SUFFIXES:
            continue
        transcript = path.with_suffix(".txt")
        if not transcript.is_file():
            yield path.name, "no transcript (.txt) beside it"
            continue
        speaker = path.parent.name if path.parent != source else source.name
        yield path.name, Clip(path, speaker, transcript.read_text(encoding="utf-8").strip())
