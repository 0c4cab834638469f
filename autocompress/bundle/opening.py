"""A bundle's voices without its graphs: listing and changing them opens no network."""

from pathlib import Path

from autocompress.bundle.integrity import read_manifest
from autocompress.bundle.manifest import VOICES
from autocompress.bundle.runtime import check_voice
from autocompress.bundle.voice_store import VoiceStore
from autocompress.models.voice import Voice


def open_voices(folder: str | Path) -> VoiceStore:
    """The voice store of the bundle at ``folder``; raises BundleError where there is no bundle."""
    read_manifest(Path(folder))
    return VoiceStore(Path(folder) / VOICES)


def add_voice(
    folder: str | Path, saved: str | Path, name: str | None = None, *, replacing: bool = False
) -> str:
    """Add a saved voice that fits the bundle's model; gives the name that it has there."""
    voice = Voice.load(saved)
    voice = voice if name is None else voice.renamed(name)
    check_voice(voice, read_manifest(Path(folder)))
    open_voices(folder).add(voice, replacing=replacing)
    return voice.name
