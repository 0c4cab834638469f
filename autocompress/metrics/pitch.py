"""Fundamental frequency by YIN (de Cheveigné and Kawahara 2002, J. Acoust. Soc. Am. 111), in numpy."""

import numpy as np
from numpy.typing import NDArray

from autocompress.metrics.audio import SPEECH_RATE_HZ, Samples, at_rate, framed

FRAMES_PER_S = 100
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 500.0
_WINDOW = 512  # 32 ms: two periods of the lowest pitch
_THRESHOLD = 0.15  # the paper's range is 0.1 to 0.2
_QUIET_DB = 40.0  # frames this far below the loudest one are not voiced


def pitch_hz(samples: Samples, sample_rate_hz: int) -> NDArray[np.float64]:  # [n_frames]
    """Pitch every 10 ms in Hz, NaN where the speech is unvoiced."""
    speech = at_rate(samples, sample_rate_hz).astype(np.float64)
    shortest, longest = int(SPEECH_RATE_HZ / _HIGHEST_HZ), int(SPEECH_RATE_HZ / _LOWEST_HZ)
    length = _WINDOW + longest + 1
    frames = framed(np.pad(speech, length // 2), length, SPEECH_RATE_HZ // FRAMES_PER_S)
    normalized = _normalized_difference(frames.astype(np.float64), longest + 1)
    lags, depths = _first_dips(normalized, shortest, longest)
    power = np.mean(frames[:, :_WINDOW] ** 2, axis=1)
    audible = power > power.max() * 10 ** (-_QUIET_DB / 10)
    voiced = audible & (depths < 2 * _THRESHOLD) & (power > 0)
    return np.where(voiced, SPEECH_RATE_HZ / lags, np.nan)


def _normalized_difference(frames: NDArray[np.float64], n_lags: int) -> NDArray[np.float64]:
    """Squared difference at each lag over its running mean (equations 6 and 8), [n_frames, n_lags]."""
    size = 1 << (frames.shape[1] + _WINDOW).bit_length()
    head = np.fft.rfft(frames[:, :_WINDOW], size)
    correlation = np.fft.irfft(np.conj(head) * np.fft.rfft(frames, size), size)[:, :n_lags]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    shifted = energy[:, _WINDOW : _WINDOW + n_lags] - energy[:, :n_lags]
    difference = np.maximum(0, shifted[:, :1] + shifted - 2 * correlation)
    difference[:, 0] = 0
    running = np.cumsum(difference, axis=1) / np.maximum(1, np.arange(n_lags))
    normalized = np.divide(difference, running, out=np.ones_like(difference), where=running > 1e-12)
    normalized[:, 0] = 1
    return np.asarray(normalized, dtype=np.float64)


def _first_dips(
    normalized: NDArray[np.float64], shortest: int, longest: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lag, refined by a parabola, and depth of the first dip below the threshold, else of the deepest one."""
    inner = normalized[:, shortest:longest]
    is_dip = (inner <= normalized[:, shortest - 1 : longest - 1]) & (
        inner < normalized[:, shortest + 1 : longest + 1]
    )
    low = is_dip & (inner < _THRESHOLD)
    chosen = np.where(low.any(axis=1), low.argmax(axis=1), inner.argmin(axis=1)) + shortest
    rows = np.arange(normalized.shape[0])
    before, at, after = (normalized[rows, chosen + offset] for offset in (-1, 0, 1))
    bend = before - 2 * at + after
    shift = np.divide(before - after, 2 * bend, out=np.zeros_like(at), where=np.abs(bend) > 1e-9)
    return chosen + np.clip(shift, -1, 1), at
