"""The deliverable: manifest, graphs, voice store; loads onnxruntime and numpy, never torch."""

from autocompress.bundle.graphs import GraphSettings
from autocompress.bundle.manifest import (
    AudioSettings,
    Claim,
    FileEntry,
    Manifest,
    SpeechDefaults,
    TextSettings,
    Tier,
)
from autocompress.bundle.runtime import Bundle, Sentence
from autocompress.bundle.sessions import Switch
from autocompress.bundle.voice_store import VoiceRow, VoiceStore
from autocompress.bundle.writing import Ingredients, with_claims, write_bundle

__all__ = [
    "AudioSettings",
    "Bundle",
    "Claim",
    "FileEntry",
    "GraphSettings",
    "Ingredients",
    "Manifest",
    "Sentence",
    "SpeechDefaults",
    "Switch",
    "TextSettings",
    "Tier",
    "VoiceRow",
    "VoiceStore",
    "with_claims",
    "write_bundle",
]
