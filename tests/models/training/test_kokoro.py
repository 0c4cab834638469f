"""Kokoro: who says what, which voices are missing, and how two of them mix."""

from pathlib import Path

import numpy as np
import pytest

from autocompress.errors import MalformedError, MissingExtraError
from autocompress.models.training import kokoro
from autocompress.models.training.kokoro import Line, check_voices, read_lines
from autocompress.models.training.reference import UNSEEN_VOICES

LINES = (Line("emma", "One.", "wˈʌn."), Line("emma+adam", "Two.", "tˈu."))


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    folder = tmp_path / "voices"
    folder.mkdir()
    for value, name in enumerate(("emma", "adam")):
        np.full((510, 256), value, dtype=np.float32).tofile(folder / f"{name}.bin")
    return folder


def test_the_shipped_sentences_are_said_by_thirty_two_voices() -> None:
    lines = read_lines()
    assert len(lines) == 2548
    assert len({line.speaker for line in lines}) == 32
    assert {line.speaker for line in lines} >= UNSEEN_VOICES
    assert all(line.text and line.phonemes for line in lines)


def test_every_missing_voice_is_named(voices: Path) -> None:
    check_voices(LINES, voices)
    (voices / "adam.bin").unlink()
    with pytest.raises(MalformedError, match=r"lacks 1 voices: adam.*kokoro-js"):
        check_voices(LINES, voices)


def test_without_its_package_the_extra_is_named(voices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kokoro, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="corpus"):
        kokoro.Kokoro(voices)


def test_two_voices_mix_into_their_mean_and_a_cut_file_is_refused(voices: Path) -> None:
    model = object.__new__(kokoro.Kokoro)
    model._voices = voices
    assert (model._style("emma+adam") == 0.5).all()
    (voices / "emma.bin").write_bytes(b"\0" * 12)
    with pytest.raises(MalformedError, match=r"emma\.bin holds 3 numbers"):
        model._style("emma")
