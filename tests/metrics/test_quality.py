"""The predicted MOS of clean speech is that of the originals, and falls with what listeners dislike."""

import sys

import numpy as np
import pytest
from metric_helpers import require, with_noise

from autocompress.errors import AudioError, MissingExtraError
from autocompress.metrics import quality
from autocompress.metrics.quality import predict_mos


@pytest.fixture(autouse=True)
def installed() -> None:
    require("quality")


def test_originals_score_as_measured_on_the_corpus(clips):
    scores = [
        predict_mos(clips[name].samples, clips[name].sample_rate_hz) for name in ("00053", "00006", "00038")
    ]
    assert 4.0 < np.mean(scores) < 4.8  # DistillMOS of the whole corpus: 4.2 to 4.7


def test_noise_and_clipping_cost_more_than_a_point(clips):
    clip = clips["00053"]
    clean = predict_mos(clip.samples, clip.sample_rate_hz)
    noisy = with_noise(clip, snr_db=5)
    clipped = np.clip(clip.samples * 50, -1, 1)
    assert predict_mos(noisy.samples, noisy.sample_rate_hz) < clean - 1
    assert predict_mos(clipped, clip.sample_rate_hz) < clean - 1


def test_silence_has_no_quality():
    with pytest.raises(AudioError, match="silent"):
        predict_mos(np.zeros(16_000, np.float32), 16_000)


def test_the_stub_of_torchaudio_is_gone_after_the_import(clips):
    predict_mos(clips["00014"].samples, clips["00014"].sample_rate_hz)
    module = sys.modules.get("torchaudio")
    assert module is None or module.__spec__ is not None


def test_a_missing_package_is_named_with_its_extra(clips, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distillmos", None)
    quality._distillmos.cache_clear()
    with pytest.raises(MissingExtraError, match=r"autocompress\[quality\]"):
        predict_mos(clips["00014"].samples, 24_000)
