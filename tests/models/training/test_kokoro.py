"""The corpus spoken again: who says what, what is missing, and what an interrupted run keeps."""

from pathlib import Path

import numpy as np
import pytest

from autocompress.errors import MalformedError, MissingExtraError
from autocompress.models.training import kokoro
from autocompress.models.training.corpus import read_corpus
from autocompress.models.training.kokoro import Line, read_lines, speak_corpus
from autocompress.models.training.reference import UNSEEN_VOICES

LINES = (Line("emma", "One.", "wˈʌn."), Line("emma+adam", "Two.", "tˈu."))


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    folder = tmp_path / "voices"
    folder.mkdir()
    for value, name in enumerate(("emma", "adam")):
        np.full((510, 256), value, dtype=np.float32).tofile(folder / f"{name}.bin")
    return folder


class Speaker:
    """Stands in for Kokoro: counts what it is asked to say."""

    said: list[str]

    def __init__(self, voices: Path, threads: int) -> None:
        Speaker.said = []

    def __call__(self, line: Line) -> np.ndarray:
        Speaker.said.append(line.text)
        return np.full(2400, 0.1, dtype=np.float32)


def ignore(done: int, total: int) -> None:
    pass


def test_the_shipped_sentences_are_said_by_thirty_two_voices() -> None:
    lines = read_lines()
    assert len(lines) == 2208
    assert len({line.speaker for line in lines}) == 32
    assert {line.speaker for line in lines} >= UNSEEN_VOICES
    assert all(line.text and line.phonemes for line in lines)


def test_what_was_spoken_is_a_corpus(voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kokoro, "Kokoro", Speaker)
    speak_corpus(LINES, voices, tmp_path / "out", ignore)
    clips = read_corpus(tmp_path / "out")
    assert [(clip.speaker, clip.text) for clip in clips] == [("emma", "One."), ("emma+adam", "Two.")]


def test_an_interrupted_corpus_goes_on_with_the_clips_that_lack(
    voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kokoro, "Kokoro", Speaker)
    speak_corpus(LINES[:1], voices, tmp_path / "out", ignore)
    speak_corpus(LINES, voices, tmp_path / "out", ignore)
    assert Speaker.said == ["Two."]


def test_every_missing_voice_is_named(voices: Path, tmp_path: Path) -> None:
    (voices / "adam.bin").unlink()
    with pytest.raises(MalformedError, match=r"lacks 1 voices: adam.*kokoro-js"):
        speak_corpus(LINES, voices, tmp_path / "out", ignore)


def test_without_its_package_the_extra_is_named(
    voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kokoro, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="corpus"):
        speak_corpus(LINES, voices, tmp_path / "out", ignore)


def test_two_voices_mix_into_their_mean_and_a_cut_file_is_refused(voices: Path) -> None:
    model = object.__new__(kokoro.Kokoro)
    model._voices = voices
    assert (model._style("emma+adam") == 0.5).all()
    (voices / "emma.bin").write_bytes(b"\0" * 12)
    with pytest.raises(MalformedError, match=r"emma\.bin holds 3 numbers"):
        model._style("emma")
