"""Recordings of every kind, and every reason to refuse one."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from autocompress.errors import AudioError
from autocompress.models.audio import AudioWarning, load_clip, load_recording, resampled


def spoken(duration_s: float = 4.0, rate_hz: int = 16000, level: float = 0.3) -> np.ndarray:
    """Three harmonics under a syllable-like envelope: loud and quiet in turn, peak at ``level``."""
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    voice = sum(np.sin(2 * np.pi * 140 * k * t + k) / k for k in (1, 2, 3)) / 1.443
    return (level * voice * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_every_rate_comes_out_as_the_same_sound(tmp_path: Path, rate_hz: int, suffix: str) -> None:
    path = tmp_path / f"voice.{suffix}"
    soundfile.write(path, spoken(rate_hz=rate_hz), rate_hz)
    samples = load_recording(path).at_rate(16000)
    assert samples.dtype == np.float32
    assert len(samples) == 64000
    # The harmonics lie under 500 Hz; the edges ring, and 16 bits are worth 1.5e-5.
    np.testing.assert_allclose(samples[800:-800], spoken()[800:-800], atol=2e-4)


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        ("wav", "PCM_U8", 2**-7),
        ("wav", "PCM_24", 1e-6),
        ("wav", "FLOAT", 0.0),
        ("wav", "ULAW", 2**-6),
        ("aiff", "PCM_16", 2**-15),
        ("ogg", "VORBIS", 0.03),  # lossy codecs: close, not equal
        ("mp3", "MPEG_LAYER_III", 0.03),
    ],
)
def test_every_format_of_libsndfile_is_read(
    tmp_path: Path, suffix: str, subtype: str, tolerance: float
) -> None:
    path = tmp_path / f"voice.{suffix}"
    soundfile.write(path, spoken(rate_hz=32000), 32000, subtype=subtype)
    recording = load_recording(path)
    assert recording.sample_rate_hz == 32000
    assert recording.duration_s == pytest.approx(4.0, abs=0.05)
    middle = recording.samples[32000:96000] - spoken(rate_hz=32000)[32000:96000]
    assert np.abs(middle).max() <= tolerance


def test_stereo_becomes_the_mean_of_its_channels(tmp_path: Path) -> None:
    left, right = spoken(level=0.4), spoken(level=0.2)
    soundfile.write(tmp_path / "stereo.wav", np.stack([left, right], axis=1), 16000, subtype="FLOAT")
    np.testing.assert_allclose(load_recording(tmp_path / "stereo.wav").samples, (left + right) / 2, atol=1e-7)


def test_the_source_hash_names_the_file_and_not_its_path(tmp_path: Path) -> None:
    for name, level in (("a", 0.3), ("b", 0.3), ("c", 0.31)):
        soundfile.write(tmp_path / f"{name}.wav", spoken(level=level), 16000)
    a, b, c = (load_recording(tmp_path / f"{name}.wav").source_sha256 for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("duration_s", [1.0, 2.9, 10.1, 30.0])
def test_an_unusual_length_is_accepted_with_a_warning(tmp_path: Path, duration_s: float) -> None:
    soundfile.write(tmp_path / "v.wav", spoken(duration_s, 8000), 8000)
    with pytest.warns(AudioWarning, match="3 to 10 s work best"):
        assert load_recording(tmp_path / "v.wav").duration_s == pytest.approx(duration_s)


@pytest.mark.parametrize(("duration_s", "advice"), [(0.9, "Record more"), (30.1, "Cut out")])
def test_outside_of_1_to_30_seconds_is_refused(tmp_path: Path, duration_s: float, advice: str) -> None:
    soundfile.write(tmp_path / "v.wav", spoken(duration_s, 8000), 8000)
    with pytest.raises(AudioError, match=rf"lasts {duration_s:.2f} s.*1 to 30 s.*{advice}"):
        load_recording(tmp_path / "v.wav")


def test_one_word_is_a_clip_to_train_on_and_gets_no_advice(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "yes.wav", spoken(0.5), 16000)
    assert load_clip(tmp_path / "yes.wav").duration_s == pytest.approx(0.5)
    soundfile.write(tmp_path / "cut.wav", spoken(0.2), 16000)
    with pytest.raises(AudioError, match=r"a clip must last 0\.3 to 30 s"):
        load_clip(tmp_path / "cut.wav")


def _stereo_that_cancels() -> np.ndarray:
    return np.stack([spoken(), -spoken()], axis=1)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(64000),
        np.full(64000, 1e-5),
        spoken(level=1e-3),
        np.eye(1, 64000, 9)[0],
        _stereo_that_cancels(),
    ],
    ids=["zeros", "offset", "too quiet", "one click", "opposite channels"],
)
def test_silence_is_refused(tmp_path: Path, samples: np.ndarray) -> None:
    soundfile.write(tmp_path / "v.wav", samples, 16000)
    with pytest.raises(AudioError, match="silent"):
        load_recording(tmp_path / "v.wav")


@pytest.mark.parametrize("gain", [1.3, 2.0, 10.0])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT", "PCM_24"])
def test_clipping_is_refused_even_after_the_level_was_lowered(
    tmp_path: Path, gain: float, subtype: str
) -> None:
    clipped = np.clip(gain * spoken(level=1.0), -0.999, 0.999)
    for level in (1.0, 0.5):
        soundfile.write(tmp_path / "v.wav", level * clipped, 16000, subtype=subtype)
        with pytest.raises(AudioError, match="clipped"):
            load_recording(tmp_path / "v.wav")


@pytest.mark.parametrize(
    ("suffix", "subtype"), [("ogg", "VORBIS"), ("ogg", "OPUS"), ("mp3", "MPEG_LAYER_III")]
)
def test_clipping_is_found_through_a_lossy_codec(tmp_path: Path, suffix: str, subtype: str) -> None:
    path = tmp_path / f"v.{suffix}"
    soundfile.write(path, np.clip(2.0 * spoken(rate_hz=48000, level=1.0), -1, 1), 48000, subtype=subtype)
    with pytest.raises(AudioError, match="clipped"):
        load_recording(path)
    soundfile.write(path, spoken(rate_hz=48000, level=0.9), 48000, subtype=subtype)
    assert load_recording(path).sample_rate_hz == 48000


def test_clipping_of_one_channel_and_one_side_is_found(tmp_path: Path) -> None:
    right = np.minimum(2.0 * spoken(level=0.6), 0.9)
    soundfile.write(tmp_path / "v.wav", np.stack([spoken(), right], axis=1), 16000)
    with pytest.raises(AudioError, match="clipped"):
        load_recording(tmp_path / "v.wav")


@pytest.mark.parametrize("level", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "FLOAT"])
@pytest.mark.parametrize("frequency_hz", [50, 440, 3000])
def test_a_plain_sine_is_not_taken_for_clipping(
    tmp_path: Path, level: float, subtype: str, frequency_hz: int
) -> None:
    t = np.arange(4 * 44100) / 44100
    soundfile.write(tmp_path / "v.wav", level * np.sin(2 * np.pi * frequency_hz * t), 44100, subtype=subtype)
    assert load_recording(tmp_path / "v.wav").duration_s == pytest.approx(4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_that_is_no_number_is_refused(tmp_path: Path, bad: float) -> None:
    samples = spoken()
    samples[777] = bad
    soundfile.write(tmp_path / "v.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match="NaN or infinite"):
        load_recording(tmp_path / "v.wav")


def test_a_missing_file_a_folder_an_empty_file_and_a_text_say_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("This is not a sound. " * 100)
    (tmp_path / "samples.raw").write_bytes(spoken().tobytes())
    for name, message in {
        "absent.wav": "found nothing",
        "": "found a folder",
        "empty.wav": "empty",
        "text.wav": "not a recording",
        "samples.raw": "not a recording",
    }.items():
        with pytest.raises(AudioError, match=message):
            load_recording(tmp_path / name)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("kept", [0.001, 0.05, 0.2])
def test_a_file_cut_short_raises_one_clear_error(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"v.{suffix}"
    soundfile.write(path, spoken(rate_hz=16000), 16000)
    content = path.read_bytes()
    path.write_bytes(content[: round(kept * len(content))])
    with pytest.raises(AudioError, match="v\\."):
        load_recording(path)


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    samples = spoken()
    assert resampled(samples, 16000, 16000) is samples
