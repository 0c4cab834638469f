"""Assembling a bundle: written beside its place, checked, and renamed there in one step."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autocompress.bundle.graphs import Graphs, GraphSettings
from autocompress.bundle.integrity import check_files, entry_of, read_manifest, symbols_text
from autocompress.bundle.manifest import (
    MANIFEST,
    SOVITS,
    SOVITS_LITE,
    SYMBOLS,
    VOICES,
    AudioSettings,
    Claim,
    Manifest,
    SpeechDefaults,
    TextSettings,
    Tier,
)
from autocompress.bundle.synthesizer import measured_margin_frames
from autocompress.bundle.voice_store import VoiceStore
from autocompress.errors import BundleError
from autocompress.models.voice import Voice

_SYMBOLS_FILE = "symbols.txt"


@dataclass(frozen=True)
class Ingredients:
    """What a bundle is made of. ``files`` maps a path inside the bundle to (role, where it is now).

    ``audio.margin_frames`` is measured on the SoVITS graphs (the largest of the tiers) when it is None.
    """

    files: Mapping[str, tuple[str, Path]]
    audio: AudioSettings
    text: TextSettings
    voices: tuple[Voice, ...] = ()
    speech: SpeechDefaults = field(default_factory=SpeechDefaults)
    claims: tuple[Claim, ...] = ()
    teacher: Mapping[str, Any] | None = None
    candidate: Mapping[str, Any] | None = None


def write_bundle(ingredients: Ingredients, folder: str | Path, *, replacing: bool = False) -> Manifest:
    """Write a whole bundle at ``folder`` or nothing; an existing one is swapped only with ``replacing``."""
    folder = Path(folder).absolute()
    if folder.exists() and not replacing:
        raise BundleError(f"{folder} is there already. Choose another place, or ask to replace it.")
    if folder.exists() and not (folder / MANIFEST).is_file() and any(folder.iterdir()):
        raise BundleError(f"{folder} is no bundle and not empty; it is not replaced. Choose another place.")
    with _beside(folder) as draft:
        roles = _gather(ingredients, draft)
        manifest = _manifest(ingredients, roles, draft)
        store = VoiceStore.create(draft / VOICES)
        for voice in ingredients.voices:
            store.add(voice)
        _write_manifest(draft, manifest)
        check_files(draft, read_manifest(draft))
        _sync(draft)
        _into_place(draft, folder)
    return manifest


def with_claims(folder: str | Path, claims: Iterable[Claim]) -> Manifest:
    """The bundle's manifest with these claims instead of its own, written in one step."""
    folder = Path(folder)
    manifest = replace(read_manifest(folder), claims=tuple(claims))
    _write_manifest(folder, manifest)
    return manifest


def _gather(ingredients: Ingredients, draft: Path) -> dict[str, str]:
    """Copy every file into the draft, and the phoneme table; the role of each by its path."""
    for path, (_, source) in ingredients.files.items():
        target = draft / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    (draft / _SYMBOLS_FILE).write_text(symbols_text(ingredients.text.version), "utf-8")
    return {path: role for path, (role, _) in ingredients.files.items()} | {_SYMBOLS_FILE: SYMBOLS}


def _manifest(ingredients: Ingredients, roles: Mapping[str, str], draft: Path) -> Manifest:
    by_role = {role: path for path, role in roles.items()}
    tiers = [Tier("full", by_role[SOVITS])] if SOVITS in by_role else []
    if SOVITS_LITE in by_role:
        tiers.append(Tier("light", by_role[SOVITS_LITE], cpu_only=True))
    manifest = Manifest(
        files=tuple(entry_of(draft, path, role) for path, role in sorted(roles.items())),
        audio=ingredients.audio,
        text=ingredients.text,
        tiers=tuple(tiers),
        speech=ingredients.speech,
        claims=ingredients.claims,
        teacher=ingredients.teacher or {},
        candidate=ingredients.candidate or {},
    )
    graphs = Graphs(draft, manifest, GraphSettings(providers=("CPU",)))
    graphs.load_all_tiers()  # refuses graphs that are not this manifest's
    if manifest.audio.margin_frames is not None:
        return manifest
    return replace(manifest, audio=replace(manifest.audio, margin_frames=_margin(graphs, manifest)))


def _margin(graphs: Graphs, manifest: Manifest) -> int | None:
    """Enough for every tier's vocoder; None as soon as one of them cannot be cut."""
    tiers = range(len(manifest.tiers))
    margins = [measured_margin_frames(graphs.sovits(tier), manifest.audio) for tier in tiers]
    known = [margin for margin in margins if margin is not None]
    return max(known) if len(known) == len(margins) else None


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    draft = folder / f".{MANIFEST}.{os.getpid()}"
    try:
        draft.write_text(manifest.to_json(), "utf-8")
        _sync_file(draft)
        draft.replace(folder / MANIFEST)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder on the same file system, gone again whatever happens; a full disk becomes a BundleError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield draft
    except OSError as error:
        raise BundleError(
            f"the bundle {folder} could not be written ({error}); nothing half-written is left there."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _sync(draft: Path) -> None:
    for path in draft.rglob("*"):
        if path.is_file():
            _sync_file(path)
    _sync_file(draft)


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _into_place(draft: Path, folder: Path) -> None:
    """Rename; a bundle that was there is moved aside first, and back if the renaming fails."""
    draft.chmod(0o755)
    if not folder.exists():
        draft.rename(folder)
        return
    with _beside(folder) as aside:
        old = aside / folder.name
        folder.rename(old)
        try:
            draft.rename(folder)
        except OSError:
            old.rename(folder)
            raise
