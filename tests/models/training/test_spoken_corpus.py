"""The whole corpus spoken: Kokoro's clips for both halves, Hibari's for the GPT alone; interruptions."""

from pathlib import Path

import numpy as np
import pytest

from autocompress.errors import MalformedError
from autocompress.models.training import spoken_corpus
from autocompress.models.training.corpus import read_corpus
from autocompress.models.training.hibari import PitchedLine
from autocompress.models.training.kokoro import Line
from autocompress.models.training.spoken_corpus import speak_corpus

LINES = (Line("emma", "One.", "wˈʌn."), Line("emma+adam", "Two.", "tˈu."))
PITCHED = (PitchedLine(0.9, 1.0, "Three."),)


class Speaker:
    """Stands in for Kokoro and for Hibari: notes what it is asked to say, in 0.4 s between two silences."""

    said: list[str]

    def __init__(self, *settings: object) -> None:
        pass

    def __call__(self, line: Line | PitchedLine) -> np.ndarray:
        Speaker.said.append(line.text)
        return np.concatenate([np.zeros(4800), np.full(9600, 0.1), np.zeros(4800)]).astype(np.float32)


@pytest.fixture
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(spoken_corpus, "Kokoro", Speaker)
    monkeypatch.setattr(spoken_corpus, "Hibari", Speaker)
    Speaker.said = []
    folder = tmp_path / "voices"
    folder.mkdir()
    for name in ("emma", "adam"):
        (folder / f"{name}.bin").touch()
    return folder


def ignore(done: int, total: int) -> None:
    pass


def test_what_was_spoken_is_a_corpus(voices: Path, tmp_path: Path) -> None:
    speak_corpus(LINES, PITCHED, voices, tmp_path / "out", ignore)
    clips = read_corpus(tmp_path / "out")
    assert [(clip.speaker, clip.text, clip.gpt_only) for clip in clips] == [
        ("emma", "One.", False),
        ("emma+adam", "Two.", False),
        ("hibari_90", "Three.", True),
    ]


def test_silence_at_both_ends_is_cut(voices: Path, tmp_path: Path) -> None:
    import soundfile

    speak_corpus(LINES[:1], (), voices, tmp_path / "out", ignore)
    assert soundfile.info(tmp_path / "out" / "00000.flac").duration == pytest.approx(0.46, abs=0.001)


def test_progress_counts_both_kinds(voices: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    speak_corpus(LINES, PITCHED, voices, tmp_path / "out", lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_an_interrupted_corpus_goes_on_with_the_clips_that_lack(voices: Path, tmp_path: Path) -> None:
    speak_corpus(LINES[:1], (), voices, tmp_path / "out", ignore)
    speak_corpus(LINES, PITCHED, voices, tmp_path / "out", ignore)
    assert Speaker.said == ["One.", "Two.", "Three."]


def test_a_missing_voice_is_named_before_anything_is_said(voices: Path, tmp_path: Path) -> None:
    (voices / "adam.bin").unlink()
    with pytest.raises(MalformedError, match="adam"):
        speak_corpus(LINES, PITCHED, voices, tmp_path / "out", ignore)
    assert Speaker.said == []
