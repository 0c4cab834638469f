"""Hibari: what it says, in which of its four pitches, and that pitch does not change the pace."""

import numpy as np
import pytest

from autocompress.errors import MissingExtraError
from autocompress.metrics.evaluation_set import read_evaluation_set
from autocompress.models.training import hibari
from autocompress.models.training.hibari import SAMPLE_RATE_HZ, Hibari, PitchedLine, read_lines
from autocompress.models.training.kokoro import read_lines as kokoro_lines
from autocompress.pipeline.evaluation_data import EVALUATION_SET


def test_the_shipped_sentences_bring_thousands_of_words_in_four_pitches() -> None:
    lines = read_lines()
    assert len(lines) == 10_000
    assert len({line.text for line in lines}) > 5_800
    assert {line.speaker for line in lines} == {"hibari_82", "hibari_90", "hibari_100", "hibari_108"}
    words = {word.strip(".,?!").lower() for line in lines for word in line.text.split()}
    assert len(words) > 8000
    assert all(0.85 < line.pace < 1.15 for line in lines)


def test_no_sentence_of_the_evaluation_set_is_in_the_corpus() -> None:
    asked = {sentence.text for sentence in read_evaluation_set(EVALUATION_SET).sentences}
    assert asked
    assert not asked & {line.text for line in (*read_lines(), *kokoro_lines())}


def test_a_higher_pitch_keeps_the_pace() -> None:
    """A stand-in says a tone of 100 Hz, one second long at plain speed."""

    def tone(text: str, speed: float, seed: int) -> np.ndarray:
        seconds = np.arange(round(SAMPLE_RATE_HZ / speed)) / SAMPLE_RATE_HZ
        return np.sin(2 * np.pi * 100 * seconds).astype(np.float32)

    speaker = object.__new__(Hibari)
    speaker._speak = tone
    wave = speaker(PitchedLine(pitch=1.25, pace=1.0, text="Ah."))
    assert len(wave) == pytest.approx(SAMPLE_RATE_HZ, rel=1e-3)
    loudest = np.argmax(np.abs(np.fft.rfft(wave))) * SAMPLE_RATE_HZ / len(wave)
    assert loudest == pytest.approx(125, abs=1.5)


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hibari, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="corpus"):
        Hibari()
