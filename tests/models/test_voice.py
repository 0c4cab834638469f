"""A voice as a value: what it holds, how it is saved, what it refuses."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autocompress.errors import BundleError
from autocompress.models.voice import Voice, VoiceOrigin


def voice(**changes: Any) -> Voice:
    values: dict[str, Any] = {
        "name": "emma",
        "language": "en",
        "transcript": "Hello.",
        "prompt_tokens": np.arange(75),
        "prompt_phoneme_ids": np.arange(5),
        "style": np.linspace(-1, 1, 8, dtype=np.float32),
        "origin": VoiceOrigin(("ab" * 32,), "v2Pro", "s2@1", "hubert@2", None, "eres2netv2"),
        "prompt_bert": np.ones((4, 5), np.float32),
        "spectrograms": (np.ones((3, 7), np.float32), np.zeros((3, 9), np.float32)),
        "speaker_vectors": (np.ones(6, np.float32), np.zeros(6, np.float32)),
    }
    return Voice(**values | changes)


@pytest.mark.parametrize("changes", [{}, {"prompt_bert": None}, {"speaker_vectors": (), "name": "小明"}])
def test_a_saved_voice_comes_back_bit_for_bit(tmp_path: Path, changes: dict[str, Any]) -> None:
    original = voice(**changes)
    original.save(tmp_path / "v.npz")
    loaded = Voice.load(tmp_path / "v.npz")
    assert loaded.identity == original.identity
    assert (loaded.name, loaded.transcript, loaded.origin) == (original.name, "Hello.", original.origin)
    assert [a.shape for a in loaded.spectrograms] == [(3, 7), (3, 9)]


def test_identity_follows_what_is_heard_and_not_the_name() -> None:
    original = voice()
    assert original.renamed("anna").identity == original.identity
    assert voice(style=original.style * np.float32(1.001)).identity != original.identity
    assert voice(prompt_bert=None).identity != original.identity


def test_its_arrays_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        voice().style[0] = 3


def test_without_bert_the_prompt_features_are_zeros() -> None:
    assert voice(prompt_bert=None).bert().shape == (1024, 5)
    assert not voice(prompt_bert=None).bert().any()
    assert voice().bert().shape == (4, 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt_tokens": np.array([], np.int64)}, "at least one"),
        ({"prompt_tokens": np.array([-1])}, "from 0"),
        ({"prompt_tokens": np.array([1.0])}, "must be int64"),
        ({"style": np.ones((1, 8), np.float32)}, "style must be float32 with 1 dimensions"),
        ({"style": np.full(8, np.nan, np.float32)}, "NaN"),
        ({"prompt_bert": np.ones((4, 6), np.float32)}, "one column a phoneme"),
        ({"speaker_vectors": (np.ones(6, np.float32),)}, "its own speaker vector"),
        ({"name": " "}, "needs a name"),
    ],
)
def test_what_cannot_be_a_voice_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        voice(**changes)


def test_a_file_that_is_no_voice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    with pytest.raises(BundleError, match="no voice there"):
        Voice.load(path)
    for content in (b"", b"PK\x03\x04 nothing", b"{}"):
        path.write_bytes(content)
        with pytest.raises(BundleError, match="not a voice file"):
            Voice.load(path)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(BundleError, match="not a voice file"):
        Voice.load(path)
    voice().save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BundleError, match="not a voice file"):
        Voice.load(path)


def test_a_file_with_pickled_objects_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", header=np.array([{"a": 1}], dtype=object))
    with pytest.raises(BundleError, match="not a voice file"):
        Voice.load(tmp_path / "v.npz")


def test_a_newer_format_asks_for_an_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autocompress.models.voice.FORMAT_VERSION", 2)
    voice().save(tmp_path / "v.npz")
    monkeypatch.undo()
    with pytest.raises(BundleError, match="format 2 is newer"):
        Voice.load(tmp_path / "v.npz")


def test_recordings_and_voices_load_no_torch() -> None:
    modules = "audio, spectrogram, fbank, voice, voice_sources"
    code = f"import sys; from autocompress.models import {modules}; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_a_changed_copy_is_checked_again() -> None:
    with pytest.raises(BundleError, match="from 0"):
        replace(voice(), prompt_tokens=np.array([-5]))
