"""How two recordings of one sentence differ in melody, timbre, length and the noise of their pauses.

Both recordings must say the same text: a candidate's and its teacher's, as a rule.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from autocompress.errors import AudioError
from autocompress.metrics.alignment import Alignment, align
from autocompress.metrics.audio import SPEECH_RATE_HZ, Samples, at_rate, audio_fault, frame_levels_db
from autocompress.metrics.mel import mel_power
from autocompress.metrics.pitch import pitch_hz

_N_CEPSTRA = 13
_MCD_SCALE = 10 / np.log(10) * np.sqrt(2)  # Kubichek 1993: mel-cepstral distortion in dB
_SPEECH_ABOVE_PEAK_DB = -40.0
_LOWEST_FLOOR_DBFS = -90.0  # below it lies the rounding of 16-bit audio, not the model
_MIN_VOICED_FRAMES = 10  # 100 ms: fewer give no melody to compare


def mel_cepstral_distance_db(one: Samples, other: Samples, sample_rate_hz: int) -> float:
    """Mean mel-cepstral distortion along the best alignment, in dB; loudness is left out."""
    return float(_aligned(one, other, sample_rate_hz).distances.mean() * _MCD_SCALE)


def pitch_distance_semitones(one: Samples, other: Samples, sample_rate_hz: int) -> float:
    """Root mean square difference of pitch where both are voiced, along the best alignment of timbre."""
    path = _aligned(one, other, sample_rate_hz)
    hz, other_hz = (_pitch_at(samples, sample_rate_hz) for samples in (one, other))
    semitones = 12 * np.log2(
        hz[np.minimum(path.one, hz.size - 1)] / other_hz[np.minimum(path.other, other_hz.size - 1)]
    )
    both_voiced = semitones[np.isfinite(semitones)]
    if both_voiced.size < _MIN_VOICED_FRAMES:
        raise AudioError(
            f"Comparing pitch: only {both_voiced.size} aligned frames are voiced in both recordings, "
            f"{_MIN_VOICED_FRAMES} are needed. Give two recordings of the same sentence."
        )
    return float(np.sqrt(np.mean(both_voiced**2)))


def duration_ratio(one: Samples, other: Samples, sample_rate_hz: int) -> float:
    """Length of ``one`` over that of ``other``, each from its first to its last audible frame."""
    return audible_s(one, sample_rate_hz) / audible_s(other, sample_rate_hz)


def audible_s(samples: Samples, sample_rate_hz: int) -> float:
    """Seconds from the first to the last frame within 40 dB of the loudest one."""
    _refuse_faulty("Measuring a duration", samples, sample_rate_hz)
    levels = frame_levels_db(samples, sample_rate_hz)
    audible = np.flatnonzero(levels > levels.max() + _SPEECH_ABOVE_PEAK_DB)
    return float(audible[-1] - audible[0] + 1) / 100


def silence_floor_db(samples: Samples, sample_rate_hz: int) -> float:
    """Level of the quietest twentieth of the frames under that of the loud ones, in dB: hiss raises it."""
    _refuse_faulty("Measuring the silence floor", samples, sample_rate_hz)
    levels = np.maximum(frame_levels_db(samples, sample_rate_hz), _LOWEST_FLOOR_DBFS)
    return float(np.percentile(levels, 5) - np.percentile(levels, 95))


def cepstra(samples: Samples, sample_rate_hz: int) -> NDArray[np.float64]:  # [n_frames, 13]
    """Mel cepstra 1 to 13 every 10 ms; the 0th, which is only loudness, is left out."""
    speech = at_rate(samples, sample_rate_hz)
    power = mel_power(speech, SPEECH_RATE_HZ, n_fft=512, hop=SPEECH_RATE_HZ // 100, n_mels=40)
    floor = power.max() * 1e-8  # 80 dB below the peak, so that digital silence stays finite
    log_amplitude = 0.5 * np.log(np.maximum(power, floor))
    orthonormal = dct(log_amplitude, type=2, norm="ortho", axis=1)[:, 1 : _N_CEPSTRA + 1]
    # Kubichek's c_k is a cosine series' coefficient: sqrt(1 / (2 n)) times the orthonormal one.
    return np.asarray(orthonormal / np.sqrt(2 * log_amplitude.shape[1]), dtype=np.float64)


def _aligned(one: Samples, other: Samples, sample_rate_hz: int) -> Alignment:
    for samples in (one, other):
        _refuse_faulty("Comparing two recordings", samples, sample_rate_hz)
    return align(cepstra(one, sample_rate_hz), cepstra(other, sample_rate_hz))


def _pitch_at(samples: Samples, sample_rate_hz: int) -> NDArray[np.float64]:
    return pitch_hz(samples, sample_rate_hz)


def _refuse_faulty(purpose: str, samples: Samples, sample_rate_hz: int) -> None:
    fault = audio_fault(samples, sample_rate_hz)
    if fault:
        raise AudioError(f"{purpose}: {fault}. Give at least 0.3 s of audible speech.")
