"""Speaker embeddings agree with the original network and tell speakers apart."""

import subprocess
import sys

import numpy as np
import pytest
from metric_helpers import SAME_VOICE, SPEECH, with_noise

from autocompress.errors import AudioError
from autocompress.metrics.audio import at_rate
from autocompress.metrics.speaker import (
    embed_speaker,
    embed_utterance,
    embed_voice,
    similarity,
)

GOLDEN = np.load(SPEECH / "resemblyzer_golden.npz")
# float16 weights and librosa's float32 spectrogram move the cosine by less than 1e-6
TOLERANCE = 1e-5


@pytest.mark.parametrize("name", GOLDEN.files)
def test_the_embedding_is_the_original_packages(clips, name: str):
    speech = at_rate(clips[name].samples, clips[name].sample_rate_hz)
    assert similarity(embed_utterance(speech), GOLDEN[name]) > 1 - TOLERANCE


def test_the_golden_tolerance_tells_recordings_apart(clips):
    speech = at_rate(clips["00014"].samples, clips["00014"].sample_rate_hz)
    assert similarity(embed_utterance(speech[160:]), GOLDEN["00014"]) < 1 - TOLERANCE  # 10 ms cut off
    assert similarity(embed_utterance(speech), GOLDEN["00008"]) < 0.8


def test_the_same_speaker_is_closer_than_any_other(clips):
    voices = {name: embed_speaker(clip.samples, clip.sample_rate_hz) for name, clip in clips.items()}
    same = [similarity(voices[one], voices[other]) for one, other in SAME_VOICE.items()]
    pairs = [
        (a, b) for a in voices for b in voices if a < b and SAME_VOICE.get(b) != a and SAME_VOICE.get(a) != b
    ]
    others = [similarity(voices[one], voices[other]) for one, other in pairs]
    assert min(same) > 0.8
    assert min(same) > max(others)


def test_loudness_and_added_pauses_hardly_change_the_voice(clips):
    clip = clips["00014"]
    voice = embed_speaker(clip.samples, clip.sample_rate_hz)
    quiet = embed_speaker(0.01 * clip.samples, clip.sample_rate_hz)
    paused = np.concatenate([clip.samples, np.zeros(48_000, np.float32)])
    assert similarity(voice, quiet) > 0.9999
    assert similarity(voice, embed_speaker(paused, clip.sample_rate_hz)) > 0.99


def test_a_voice_of_several_recordings_is_the_unit_mean(clips):
    pair = [clips[name].samples for name in ("00014", "00046")]
    voice = embed_voice(pair, clips["00014"].sample_rate_hz, embed_speaker)
    assert np.linalg.norm(voice) == pytest.approx(1, abs=1e-6)
    assert min(similarity(voice, embed_speaker(samples, 24_000)) for samples in pair) > 0.9


def test_noise_alone_is_not_the_speaker(clips):
    noise = with_noise(clips["00014"], snr_db=-30)
    assert similarity(embed_speaker(noise.samples, noise.sample_rate_hz), GOLDEN["00014"]) < 0.7


def test_silence_has_no_speaker():
    with pytest.raises(AudioError, match="silent"):
        embed_speaker(np.zeros(16_000, np.float32), 16_000)


def test_an_embedding_needs_no_torch():
    code = (
        "import sys, numpy as np; from autocompress.metrics.speaker import embed_speaker;"
        "embed_speaker(np.sin(np.arange(16000) / 9).astype('float32'), 16000); print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
