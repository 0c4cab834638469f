"""What every speech metric asks of a recording before it measures it."""

import numpy as np
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # [n_samples], mono, full scale = 1

SPEECH_RATE_HZ = 16_000
MIN_SPEECH_S = 0.3  # shorter than any word that a recogniser can tell apart
SILENCE_DBFS = -60.0  # the loudest 25 ms of any audible speech lies far above it


def audio_fault(samples: Samples, sample_rate_hz: int, min_s: float = MIN_SPEECH_S) -> str | None:
    """Why ``samples`` cannot be scored as speech, or ``None`` when they can."""
    if samples.ndim != 1:
        return f"the audio has shape {samples.shape}, expected [n_samples]"
    if samples.size == 0:
        return "the audio is empty"
    bad = int(np.count_nonzero(~np.isfinite(samples)))
    if bad:
        return f"{bad} of {samples.size} samples are NaN or infinite"
    length_s = samples.size / sample_rate_hz
    if length_s < min_s:
        return f"the audio lasts {length_s:.3f} s, shorter than {min_s} s"
    loudest = float(frame_levels_db(samples, sample_rate_hz).max())
    if loudest < SILENCE_DBFS:
        return f"the audio is silent: its loudest 25 ms reach {loudest:.0f} dBFS"
    return None


def at_rate(samples: Samples, sample_rate_hz: int, wanted_hz: int = SPEECH_RATE_HZ) -> Samples:
    """``samples`` resampled to ``wanted_hz``; returned as they are when they have that rate already."""
    mono = np.ascontiguousarray(samples, dtype=np.float32)
    if sample_rate_hz == wanted_hz:
        return mono
    resampled: Samples = soxr.resample(mono, sample_rate_hz, wanted_hz).astype(np.float32)
    return resampled


def frame_levels_db(samples: Samples, sample_rate_hz: int) -> NDArray[np.float64]:  # [n_frames]
    """Root mean square of each 25 ms frame, every 10 ms, in dB of full scale (floored at -120 dB)."""
    frames = framed(samples.astype(np.float64), sample_rate_hz // 40, sample_rate_hz // 100)
    power = np.maximum(np.mean(frames**2, axis=1), 1e-12)
    return np.asarray(10 * np.log10(power), dtype=np.float64)


def framed(
    samples: NDArray[np.floating], length: int, hop: int
) -> NDArray[np.floating]:  # [n_frames, length]
    """Overlapping frames; a recording shorter than one frame is padded with zeros to one."""
    padded = np.pad(samples, (0, max(0, length - samples.size)))
    return np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
