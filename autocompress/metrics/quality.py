"""Naturalness: the mean opinion score that listeners would give, as a learned predictor hears it.

The predictor is DistillMOS (Stahl and Gamper 2025, arXiv:2502.05356; MIT; its weights are in its wheel).
It stands for listeners only roughly: compare candidates of one teacher with it, not voices with each other.
"""

import contextlib
import importlib
import io
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from autocompress.errors import AudioError, MissingExtraError
from autocompress.metrics.audio import Samples, at_rate, audio_fault

if TYPE_CHECKING:
    import torch

MosPredictor = Callable[[Samples, int], float]  # (samples, sample_rate_hz) -> 1 (bad) .. 5 (excellent)


def predict_mos(samples: Samples, sample_rate_hz: int) -> float:
    """Predicted mean opinion score, 1 (bad) to 5 (excellent); `AudioError` on NaN, silence or too little."""
    fault = audio_fault(samples, sample_rate_hz)
    if fault:
        raise AudioError(f"Predicting a MOS: {fault}. Give at least 0.3 s of audible speech.")
    model = _distillmos()  # before torch, so that a missing extra is what is reported
    import torch

    with torch.inference_mode():
        return float(model(torch.from_numpy(at_rate(samples, sample_rate_hz))[None])[0, 0])


@lru_cache(maxsize=1)
def _distillmos() -> "torch.nn.Module":
    with _torchaudio_importable():
        try:
            package: Any = importlib.import_module("distillmos")
        except ImportError as error:
            raise MissingExtraError("Predicting a MOS", "distillmos", "quality") from error
    with contextlib.redirect_stdout(io.StringIO()):  # it prints where its weights lie
        model: torch.nn.Module = package.ConvTransformerSQAModel()
    return model.eval()


@contextlib.contextmanager
def _torchaudio_importable() -> Iterator[None]:
    """DistillMOS needs torchaudio only to read files; an empty module serves where that does not load."""
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError):  # OSError: built for another torch
        sys.modules["torchaudio"] = ModuleType("torchaudio")
        try:
            yield
        finally:
            del sys.modules["torchaudio"]
    else:
        yield
