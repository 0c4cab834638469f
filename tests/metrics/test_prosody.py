"""Pitch, timbre, length and silence against signals whose answer is known."""

import numpy as np
import pytest
from metric_helpers import with_noise

from autocompress.errors import AudioError
from autocompress.metrics.alignment import align
from autocompress.metrics.pitch import pitch_hz
from autocompress.metrics.prosody import (
    audible_s,
    duration_ratio,
    mel_cepstral_distance_db,
    pitch_distance_semitones,
    silence_floor_db,
)
from autocompress.metrics.utterance import Recording

RATE_HZ = 16_000


def buzz(hz: float, seconds: float = 1.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A voice-like tone: harmonics that fall by 6 dB an octave."""
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    harmonics = range(1, int(4000 / hz) + 1)
    return (0.1 * sum(np.sin(2 * np.pi * hz * n * time_s) / n for n in harmonics)).astype(np.float32)


@pytest.mark.parametrize("hz", [70, 110.5, 220, 333, 480])
def test_the_pitch_of_a_steady_voice_is_found_to_half_a_percent(hz: float):
    found = pitch_hz(buzz(hz), RATE_HZ)
    inner = found[5:-5]
    assert np.isfinite(inner).mean() > 0.95
    assert np.nanmedian(inner) == pytest.approx(
        hz, rel=0.005
    )  # a lag is a whole sample, refined by a parabola


def test_the_pitch_does_not_depend_on_the_sample_rate():
    assert np.nanmedian(pitch_hz(buzz(150, rate_hz=24_000), 24_000)) == pytest.approx(150, rel=0.005)


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    assert np.isfinite(pitch_hz(noise, RATE_HZ)).mean() < 0.02
    assert not np.isfinite(pitch_hz(np.zeros(RATE_HZ, np.float32), RATE_HZ)).any()


def test_men_speak_lower_than_women(clips):
    medians = {name: np.nanmedian(pitch_hz(clips[name].samples, 24_000)) for name in clips}
    assert max(medians["00006"], medians["00008"]) < min(medians["00014"], medians["00021"])


def test_a_semitone_is_measured_as_a_semitone():
    distance = pitch_distance_semitones(buzz(200 * 2 ** (1 / 12)), buzz(200), RATE_HZ)
    assert distance == pytest.approx(1, abs=0.1)


def test_pitch_of_the_unvoiced_is_refused():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    with pytest.raises(AudioError, match="voiced"):
        pitch_distance_semitones(noise, buzz(200), RATE_HZ)


def test_loudness_is_no_timbre_and_another_voice_is(clips):
    one, other = clips["00046"].samples, clips["00038"].samples
    assert mel_cepstral_distance_db(0.5 * one, one, 24_000) < 0.1
    assert mel_cepstral_distance_db(other, one, 24_000) > 3


def test_slower_speech_is_aligned_before_it_is_compared(clips):
    one = clips["00046"]
    pause = np.zeros(2400, np.float32)
    middle = one.samples.size // 2
    slower = np.concatenate([one.samples[:middle], pause, one.samples[middle:]])
    stretched = mel_cepstral_distance_db(slower, one.samples, 24_000)
    assert stretched < 0.5 * mel_cepstral_distance_db(clips["00038"].samples, one.samples, 24_000)


def test_alignment_finds_the_repeated_frame():
    path = align(np.array([[0.0], [1], [1], [1], [2]]), np.array([[0.0], [1], [2]]))
    assert path.distances.sum() == pytest.approx(0, abs=1e-7)
    assert path.one.tolist() == [0, 1, 2, 3, 4]
    assert path.other.tolist() == [0, 1, 1, 1, 2]


def test_durations_leave_silence_around_the_speech_out():
    tone = buzz(200, seconds=0.8)
    padded = np.concatenate([np.zeros(8000, np.float32), tone, np.zeros(4000, np.float32)])
    assert audible_s(padded, RATE_HZ) == pytest.approx(0.8, abs=0.05)  # frames are 25 ms long
    assert duration_ratio(buzz(200, seconds=1.6), padded, RATE_HZ) == pytest.approx(2, rel=0.05)


def test_the_silence_floor_is_the_noise_under_the_speech():
    tone, pause = buzz(200, seconds=0.7), np.zeros(4800, np.float32)
    speech = np.concatenate([tone, pause])
    hiss = np.random.default_rng(0).normal(0, 1, speech.size)
    level = np.sqrt(np.mean(tone**2)) * 10 ** (-30 / 20)
    assert silence_floor_db((speech + level * hiss).astype(np.float32), RATE_HZ) == pytest.approx(
        -30, abs=1.5
    )
    assert silence_floor_db(speech, RATE_HZ) < -60


def test_a_decibel_more_hiss_is_a_decibel_more_floor(clips):
    paused = Recording(np.concatenate([clips["00053"].samples, np.zeros(12_000, np.float32)]), 24_000)
    one, other = (with_noise(paused, snr_db=snr) for snr in (30, 29))
    rise = silence_floor_db(other.samples, 24_000) - silence_floor_db(one.samples, 24_000)
    assert rise == pytest.approx(1, abs=0.1)
