"""The recogniser understands the originals, and its errors are counted as they should be."""

import sys

import numpy as np
import pytest
from metric_helpers import TEXTS, require, with_noise

from autocompress.errors import AudioError, MissingExtraError
from autocompress.metrics import intelligibility
from autocompress.metrics.intelligibility import compare, recognize, transcribe


def test_the_originals_are_understood(clips):
    require("asr")
    heard = [
        transcribe(clips[n].samples, clips[n].sample_rate_hz, TEXTS[n]) for n in ("00014", "00006", "00053")
    ]
    assert np.mean([transcript.wer for transcript in heard]) <= 0.05  # 5 % over the corpus


def test_another_text_is_nearly_all_wrong(clips):
    require("asr")
    assert transcribe(clips["00014"].samples, 24_000, TEXTS["00104"]).wer > 0.8


def test_speech_under_noise_is_not_understood(clips):
    require("asr")
    noisy = with_noise(clips["00014"], snr_db=-10)
    assert transcribe(noisy.samples, noisy.sample_rate_hz, TEXTS["00014"]).wer > 0.5


def test_silence_is_refused():
    with pytest.raises(AudioError, match="silent"):
        recognize(np.zeros(16_000, np.float32), 16_000)


def test_a_missing_package_is_named_with_its_extra(clips, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    intelligibility._whisper.cache_clear()
    with pytest.raises(MissingExtraError, match=r"autocompress\[asr\]"):
        recognize(clips["00014"].samples, 24_000)


def test_error_rates_count_words_and_letters():
    transcript = compare("the cat sat", "the bat sat down")
    assert transcript.wer == pytest.approx(2 / 3)
    assert transcript.cer == pytest.approx(5 / 9)


def test_spelling_and_digits_are_no_errors():
    assert compare("We counted thirty-six colours, not 7!", "we counted 36 colors not seven").cer == 0


def test_nothing_heard_is_all_deleted():
    assert compare("one two", "").words.deleted == 2
    assert compare("one two", "").cer == 1


def test_any_callable_can_listen():
    assert (
        transcribe(np.zeros(4, np.float32), 16_000, "hello", recognizer=lambda samples, rate: "hello").cer
        == 0
    )


def test_speech_longer_than_the_window_is_heard_to_its_end(clips):
    require("asr")
    names = ["00006", "00053", "00021", "00008", "00014"]
    samples = np.concatenate([clips[name].samples for name in names])
    assert samples.size / 24_000 > 15  # beyond the short window
    assert transcribe(samples, 24_000, " ".join(TEXTS[name] for name in names)).wer < 0.15
