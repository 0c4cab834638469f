"""Recordings: any file that libsndfile reads → checked mono samples.

Holds no torch. The bounds follow GPT-SoVITS: it takes references of 3–10 s; we warn outside of that and
refuse outside of 1–30 s.
"""

import hashlib
import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from autocompress.errors import AudioError

Samples = npt.NDArray[np.float32]

SHORTEST_S, LONGEST_S = 1.0, 30.0
RECOMMENDED_S = (3.0, 10.0)
LOWEST_RATE_HZ = 4000
LARGEST_FILE_BYTES = 256 * 10**6

_ACTIVE_RMS = 10 ** (-50 / 20)  # a 20 ms frame above −50 dBFS holds sound
_ACTIVE_S = 0.3  # less sound than one word
_CLIPPED_SHARE = 1e-3
_CLIPPED_RATIO = 8.0  # a sine puts 2.4 times as many samples into its top bin as into the next one
_QUANTIZATION_STEP = {"PCM_U8": 2**-7, "PCM_S8": 2**-7, "ULAW": 2**-5, "ALAW": 2**-5}
_LOSSY = ("VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III")
# Codecs smear a ceiling. Of 40 unclipped sentences of LibriSpeech at full scale, none had over 3e-4 of its
# decoded samples above this level; clipping 0.2 % of the samples before encoding puts about 1.5e-3 there.
_LOSSY_CEILING = 0.985


class AudioWarning(UserWarning):
    """A recording that can be used, but lies outside of what the model was made for."""


@dataclass(frozen=True)
class Recording:
    """Mono samples [n_samples] in −1…1 (a float file may exceed it), and the SHA-256 of their source."""

    samples: Samples
    sample_rate_hz: int
    source_sha256: str

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate_hz

    def at_rate(self, rate_hz: int) -> Samples:
        """The samples at another rate (soxr, high quality: the same resampler as librosa's default)."""
        return resampled(self.samples, self.sample_rate_hz, rate_hz)


def load_recording(path: str | Path) -> Recording:
    """Read a reference recording and check that a voice can be made from it; raises AudioError if not.

    Warns (AudioWarning) outside of the 3–10 s that the model was trained with.
    """
    path = Path(path)
    recording = _load(path, SHORTEST_S)
    _warn_about_duration(recording, path)
    return recording


def load_clip(path: str | Path) -> Recording:
    """Read a clip to train on: checked as a reference is, but one word of 0.3 s is enough, without advice."""
    return _load(Path(path), _ACTIVE_S)


def _load(path: Path, shortest_s: float) -> Recording:
    content = _read_bytes(path)
    decoded = _decode(content, path, shortest_s)
    _check_duration(len(decoded.channels) / decoded.rate_hz, path, shortest_s)
    if not np.isfinite(decoded.channels).all():
        raise AudioError(f"{path}: the recording holds NaN or infinite samples. Export it again.")
    _check_clipping(decoded, path)
    samples = decoded.channels.mean(axis=1, dtype=np.float64).astype(np.float32)
    _check_silence(samples, decoded.rate_hz, path)
    return Recording(samples, decoded.rate_hz, hashlib.sha256(content).hexdigest())


def resampled(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Mono samples [n_samples] at another rate."""
    if from_hz == to_hz:
        return samples
    return np.asarray(soxr.resample(samples, from_hz, to_hz, quality="HQ"), dtype=np.float32)


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise AudioError(f"{path}: a recording was asked for, found {found} there. Check the path.")
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise AudioError(f"{path}: the file is empty. Record or copy it again.")
    if size_bytes > LARGEST_FILE_BYTES:
        raise AudioError(
            f"{path}: {size_bytes / 1e6:.0f} MB is too large for a recording of at most {LONGEST_S:.0f} s. "
            "Cut out 3 to 10 s of speech."
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror}). Check its permissions.") from error


@dataclass(frozen=True)
class _Decoded:
    channels: Samples  # [n_samples, n_channels]
    rate_hz: int
    subtype: str  # libsndfile's name of the sample format


def _decode(content: bytes, path: Path, shortest_s: float) -> _Decoded:
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            rate_hz, promised = int(file.samplerate), int(file.frames)
            if rate_hz >= LOWEST_RATE_HZ:
                _check_duration(promised / rate_hz, path, shortest_s)
            channels = file.read(dtype="float32", always_2d=True)
            subtype = file.subtype
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{path}: not a recording that libsndfile can read ({error.error_string}). "
            "Convert it to WAV, FLAC, OGG or MP3; a damaged file has to be recorded or copied again."
        ) from error
    if rate_hz < LOWEST_RATE_HZ:
        raise AudioError(f"{path}: {rate_hz} Hz holds no speech. Record at 16000 Hz or more.")
    if len(channels) < promised:
        raise AudioError(
            f"{path}: broken off: its header promises {promised} samples, found {len(channels)}. "
            "Copy it again."
        )
    return _Decoded(channels, rate_hz, subtype)


def _check_duration(duration_s: float, path: Path, shortest_s: float) -> None:
    if not shortest_s <= duration_s <= LONGEST_S:
        kind = "a reference" if shortest_s == SHORTEST_S else "a clip"
        raise AudioError(
            f"{path}: the recording lasts {duration_s:.2f} s; {kind} must last "
            f"{shortest_s:g} to {LONGEST_S:.0f} s, best 3 to 10 s. "
            + ("Record more." if duration_s < shortest_s else "Cut out 3 to 10 s of speech.")
        )


def _warn_about_duration(recording: Recording, path: Path) -> None:
    low, high = RECOMMENDED_S
    if not low <= recording.duration_s <= high:
        warnings.warn(
            f"{path}: {recording.duration_s:.1f} s of reference; {low:.0f} to {high:.0f} s work best.",
            AudioWarning,
            stacklevel=3,
        )


def _check_silence(samples: Samples, rate_hz: int, path: Path) -> None:
    frame = rate_hz // 50
    whole = samples[: len(samples) // frame * frame].reshape(-1, frame)
    active_s = 0.02 * int((np.sqrt(np.mean(np.square(whole), axis=1)) > _ACTIVE_RMS).sum())
    if active_s < _ACTIVE_S:
        raise AudioError(
            f"{path}: the recording is silent: {active_s:.2f} s of it are louder than −50 dBFS, "
            f"{_ACTIVE_S} s are needed. Record louder, or check that the channels do not cancel out."
        )


def _check_clipping(decoded: _Decoded, path: Path) -> None:
    share = max(_clipped_share(channel, decoded.subtype) for channel in decoded.channels.T)
    if share > _CLIPPED_SHARE:
        raise AudioError(
            f"{path}: the recording is clipped: {share:.1%} of its samples lie at the ceiling. "
            "Record it again at a lower level."
        )


def _clipped_share(channel: Samples, subtype: str) -> float:
    if subtype in _LOSSY:
        return float((np.abs(channel) >= _LOSSY_CEILING).mean())
    step = _QUANTIZATION_STEP.get(subtype, 2**-15)
    return max(_share_at_ceiling(channel, step), _share_at_ceiling(-channel, step))


def _share_at_ceiling(samples: Samples, step: float) -> float:
    """Share of samples piled up at the highest value; 0 for a wave that reaches its peak unclipped.

    At a ceiling the top bin of the amplitudes holds many times more samples than the bin below it, at
    whatever level the file was scaled to afterwards.
    """
    peak = float(samples.max())
    width = max(0.01 * peak, 4 * step)
    if peak < 10 * width:  # too quiet for its number of bits to tell
        return 0.0
    top = int((samples > peak - width).sum())
    below = int((samples > peak - 2 * width).sum()) - top
    return top / len(samples) if top > _CLIPPED_RATIO * max(below, math.sqrt(top)) else 0.0
