"""Speaker identity: an embedding of who speaks, and the cosine between two of them.

The built-in embedder is Resemblyzer's (Resemble AI, Apache-2.0; generalized end-to-end loss, Wan et al. 2018,
arXiv:1710.10467): its weights ship with this package, its computation is written here in numpy, so that no
optional package is needed. Any callable from audio to a unit vector can take its place: ``speaker_models``
makes two of files that a user has.
"""

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from autocompress.errors import AudioError
from autocompress.metrics.audio import SPEECH_RATE_HZ, Samples, at_rate, audio_fault, frame_levels_db
from autocompress.metrics.mel import mel_power

Embedding = NDArray[np.float32]  # [n_dimensions], unit length
SpeakerEmbedder = Callable[[Samples, int], Embedding]  # (samples, sample_rate_hz) -> embedding
SPEAKER_VARIABLE = "AUTOCOMPRESS_SPEAKER_MODEL"

_HOP = SPEECH_RATE_HZ // 100  # 10 ms
_WINDOW = SPEECH_RATE_HZ // 40  # 25 ms
_N_MELS = 40
_PARTIAL_FRAMES = 160  # 1.6 s: the length that the encoder was trained on
_PARTIALS_PER_SECOND = 1.3
_MIN_COVERAGE = 0.75  # a last partial window with less speech than this is dropped
# Every recording is brought to one level: the encoder hears loudness (12 dB move the cosine by 0.1), which is
# no identity. Resemblyzer only raises what is below -30; -26 told speakers apart best of -30, -26, -22, -18.
_LEVEL_DBFS = -26.0
_PAUSE_BELOW_PEAK_DB = 40.0
_KEPT_PAUSE_FRAMES = 18  # 180 ms: longer pauses are shortened to it
_EPSILON = 1e-8


def embed_speaker(samples: Samples, sample_rate_hz: int) -> Embedding:
    """The voice in ``samples`` as a unit vector [256]; raises `AudioError` on NaN, silence or too little."""
    fault = audio_fault(samples, sample_rate_hz)
    if fault:
        raise AudioError(f"Embedding a speaker: {fault}. Give at least 0.3 s of audible speech.")
    speech = _levelled(_without_long_pauses(at_rate(samples, sample_rate_hz)))
    return embed_utterance(speech)


def chosen_embedder() -> SpeakerEmbedder:
    """Who judges identity: the built-in embedder, or what ``AUTOCOMPRESS_SPEAKER_MODEL`` names.

    That is a SpeechBrain folder (ECAPA-TDNN), or the file of GPT-SoVITS v2Pro's speaker network (ERes2NetV2).
    """
    path = os.environ.get(SPEAKER_VARIABLE)
    return _embedder_from(Path(path).resolve()) if path else embed_speaker


@lru_cache(maxsize=2)
def _embedder_from(path: Path) -> SpeakerEmbedder:
    from autocompress.metrics.speaker_models import embedder_from  # loads torch

    return embedder_from(path)


def embed_voice(recordings: Sequence[Samples], sample_rate_hz: int, embedder: SpeakerEmbedder) -> Embedding:
    """One embedding of a speaker heard in several recordings: the unit mean of theirs."""
    return _unit(np.mean([embedder(samples, sample_rate_hz) for samples in recordings], axis=0))


def similarity(one: Embedding, other: Embedding) -> float:
    """Cosine between two embeddings: 1 is the same voice; two strangers lie near 0.6 with this embedder."""
    return float(np.dot(_unit(one), _unit(other)))


def embed_utterance(speech: Samples) -> Embedding:
    """Embedding of 16 kHz speech that is taken as it is: the unit mean over windows of 1.6 s."""
    starts = _partial_starts(speech.size)
    end = (starts[-1] + _PARTIAL_FRAMES) * _HOP
    padded = np.pad(speech, (0, max(0, end - speech.size)))
    mel = mel_power(padded, SPEECH_RATE_HZ, _WINDOW, _HOP, _N_MELS).astype(np.float32)
    partials = np.stack([mel[start : start + _PARTIAL_FRAMES] for start in starts])
    return _unit(np.mean(_encode(partials), axis=0))


def _partial_starts(n_samples: int) -> list[int]:  # in frames
    n_frames = int(np.ceil((n_samples + 1) / _HOP))
    step = round(SPEECH_RATE_HZ / _PARTIALS_PER_SECOND / _HOP)
    starts = list(range(0, max(1, n_frames - _PARTIAL_FRAMES + step + 1), step))
    coverage = (n_samples - starts[-1] * _HOP) / (_PARTIAL_FRAMES * _HOP)
    return starts[:-1] if coverage < _MIN_COVERAGE and len(starts) > 1 else starts


def _encode(mels: NDArray[np.float32]) -> NDArray[np.float32]:  # [n, frames, mels] -> [n, 256]
    weights = _weights()
    hidden = mels
    for layer in range(3):
        hidden = _lstm(hidden, weights, layer)
    projected = hidden[:, -1] @ weights["linear.weight"].T + weights["linear.bias"]
    rectified = np.maximum(projected, 0)
    return cast(
        NDArray[np.float32], rectified / (np.linalg.norm(rectified, axis=1, keepdims=True) + _EPSILON)
    )


def _lstm(
    inputs: NDArray[np.float32], weights: dict[str, NDArray[np.float32]], layer: int
) -> NDArray[np.float32]:  # [n, frames, in] -> [n, frames, 256]
    from_input = inputs @ weights[f"lstm.weight_ih_l{layer}"].T
    from_input += weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"]
    recurrent = np.ascontiguousarray(weights[f"lstm.weight_hh_l{layer}"].T)
    hidden = np.zeros((inputs.shape[0], recurrent.shape[0]), np.float32)
    cell = np.zeros_like(hidden)
    outputs = np.empty((*inputs.shape[:2], recurrent.shape[0]), np.float32)
    for frame in range(inputs.shape[1]):
        entry, forget, candidate, exit_ = np.split(from_input[:, frame] + hidden @ recurrent, 4, axis=1)
        cell = _sigmoid(forget) * cell + _sigmoid(entry) * np.tanh(candidate)
        hidden = _sigmoid(exit_) * np.tanh(cell)
        outputs[:, frame] = hidden
    return outputs


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return cast(NDArray[np.float32], np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1)))


@lru_cache(maxsize=1)
def _weights() -> dict[str, NDArray[np.float32]]:
    path = resources.files("autocompress.metrics").joinpath("_weights/resemblyzer.npz")
    with resources.as_file(path) as file, np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def _levelled(samples: Samples) -> Samples:
    level_db = 10 * np.log10(np.mean(samples.astype(np.float64) ** 2))  # audible, so never of zero
    return cast(Samples, (samples * 10 ** ((_LEVEL_DBFS - level_db) / 20)).astype(np.float32))


def _without_long_pauses(samples: Samples) -> Samples:
    """Pauses shortened to 180 ms, for they say nothing of who speaks; Resemblyzer uses a voice detector."""
    levels = frame_levels_db(samples, SPEECH_RATE_HZ)
    voiced = levels > levels.max() - _PAUSE_BELOW_PEAK_DB
    kept = np.convolve(voiced, np.ones(_KEPT_PAUSE_FRAMES + 1), mode="same") > 0
    mask = np.repeat(kept, _HOP)
    return samples[: mask.size][mask]


def _unit(vector: NDArray[np.floating]) -> Embedding:
    return cast(Embedding, (vector / (np.linalg.norm(vector) + _EPSILON)).astype(np.float32))
