"""The clips of a run that fit into its page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autocompress.reporting.clips import TEACHER, ClipFolder, embed_within, read_clips
from autocompress.reporting.data import Sentence, VoiceClip

VOICES = "voices"
"""Folder of a run with a clip of every voice of its bundle."""
VOICES_SENTENCE = "all"


@dataclass(frozen=True)
class EmbeddedClips:
    """``made`` holds a data URI by path; ``note`` names what was left out."""

    folder: ClipFolder
    made: Mapping[Path, str]
    note: tuple[str, ...] = ()

    def of(self, speaker: str) -> dict[str, str]:
        """Clip by sentence of the teacher or a candidate."""
        return {s: self._name(path) for s, path in self.folder.of(speaker).items() if path in self.made}

    def by_name(self) -> dict[str, str]:
        return {self._name(path): uri for path, uri in self.made.items()}

    def sentences(self) -> tuple[Sentence, ...]:
        teacher = self.of(TEACHER)
        return tuple(Sentence(s.id, s.text, s.voice, teacher.get(s.id)) for s in self.folder.sentences)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder.folder.resolve()).with_suffix("").as_posix()


def read_audio(run: Path, front: Mapping[str, Any], budget_bytes: int) -> EmbeddedClips:
    """The teacher's clips first, then those of the picks, then the rest of the front by size."""
    clips = read_clips(run / "clips")
    picked = set(front["picks"].values())
    ids = [row["candidate"]["id"] for row in sorted(front["trials"], key=lambda r: r["number"] not in picked)]
    order = [path for who in (TEACHER, *ids) for path in clips.of(who).values()]
    made, left_out = embed_within(order, budget_bytes)
    if not left_out:
        return EmbeddedClips(clips, made)
    note = f"{len(left_out)} clips are left out to keep the page small; they are in {clips.folder}."
    return EmbeddedClips(clips, made, (note,))


def read_voices(run: Path, budget_bytes: int) -> tuple[tuple[VoiceClip, ...], dict[str, str], str]:
    """Every voice's clip, the data URIs by the clips' names, and what is said."""
    folder = read_clips(run / VOICES)
    if not folder.sentences:
        return (), {}, ""
    paths = {name: said[VOICES_SENTENCE] for name, said in sorted((folder.files or {}).items())}
    made, _ = embed_within(paths.values(), budget_bytes)
    clips = {f"{VOICES}/{name}": made[path] for name, path in paths.items() if path in made}
    shown = tuple(VoiceClip(name.partition("/")[2], name) for name in clips)
    return shown, clips, folder.sentences[0].text
