"""Scores of a training as it stands: which half limits it, and whether more steps would help.

Clips that were kept out of training are heard four ways: the recording itself, copy synthesis (posterior →
vocoder: what the vocoder alone can do), SoVITS on the true tokens, and GPT with SoVITS (all of it). The step
from one to the next is what one half loses.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autocompress.metrics.score import Item, score_all
from autocompress.metrics.speech import speech_metrics
from autocompress.metrics.utterance import Recording, Utterance
from autocompress.models.gpt import Gpt
from autocompress.models.sampling import generate
from autocompress.models.sovits.layers import fold_weight_norm
from autocompress.models.sovits.spectrogram import magnitude_spectrogram
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.teacher import REFERENCE_SPEECH
from autocompress.models.training.dataset import UNSEEN, VALIDATION, Dataset

METRICS = ("similarity", "mos", "cer")
PATHS = ("recording", "copy synthesis", "true tokens", "GPT tokens")
_LONGEST_S = 12


@dataclass(frozen=True, eq=False)
class Halves:
    """Both networks as trained so far, and the step that each has reached; SoVITS with its posterior."""

    gpt: Gpt
    sovits: Sovits
    steps: Mapping[str, int]


def score_halves(
    halves: Halves, data: Dataset, report: Callable[[int, int], None], clips: int = 14, seed: int = 0
) -> dict[str, Any]:
    """``{"steps", "splits": {split: {path: {metric: {value, low, high}}}}}`` over ``clips`` clips a split."""
    sovits = fold_weight_norm(halves.sovits).eval()
    table = speech_metrics()
    chosen = {split: _spread(data.rows(split), clips) for split in (VALIDATION, UNSEEN)}
    total, done = sum(map(len, chosen.values())), 0
    splits: dict[str, Any] = {}
    for split, rows in chosen.items():
        heard: dict[str, dict[Item, Utterance]] = {path: {} for path in PATHS}
        for row in rows:
            for path, utterance in _four_ways(halves.gpt.eval(), sovits, data, row, seed).items():
                heard[path][Item(str(row), data.items[row].speaker)] = utterance
            done += 1
            report(done, total)
        splits[split] = {
            path: {
                name: {"value": s.value, "low": s.estimate.low, "high": s.estimate.high}
                for name, s in score_all([table[m] for m in METRICS], said, seed=seed).items()
            }
            for path, said in heard.items()
        }
    return {"steps": dict(halves.steps), "clips": clips, "seed": seed, "splits": splits}


def append_scores(path: Path, scores: Mapping[str, Any]) -> None:
    """One more line of a training's ``scores.jsonl``."""
    with path.open("a") as file:
        file.write(json.dumps(scores) + "\n")


def _spread(rows: list[int], count: int) -> list[int]:
    """``count`` of ``rows``, evenly over all of them, so over all speakers."""
    picks = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    return [rows[pick] for pick in picks]


@torch.inference_mode()
def _four_ways(gpt: Gpt, sovits: Sovits, data: Dataset, row: int, seed: int) -> dict[str, Utterance]:
    item = data.items[row]
    peers = [peer for peer in data.by_speaker(item.split)[item.speaker] if peer != row] or [row]
    generator = torch.Generator().manual_seed(seed * 100_003 + row)
    style = sovits.style(_spectrogram(sovits, data.wave(peers[0])))
    phonemes, codes = _row(data.phonemes[row]), _row(data.tokens[row])
    chosen = _gpt_tokens(gpt, data, peers[0], phonemes, generator)
    waves = {
        "recording": data.wave(row),
        "copy synthesis": _copy(sovits, data.wave(row), style, generator),
        "true tokens": _render(sovits, codes, phonemes, style, generator),
        "GPT tokens": _render(sovits, chosen, phonemes, style, generator),
    }
    voice = Recording(data.wave(peers[0]), data.sample_rate_hz)
    return {
        path: Utterance(str(row), item.text, Recording(wave, data.sample_rate_hz), voice=voice)
        for path, wave in waves.items()
    }


def _gpt_tokens(gpt: Gpt, data: Dataset, peer: int, phonemes: Tensor, generator: torch.Generator) -> Tensor:
    """Tokens [1, n] for ``phonemes``, with the clip ``peer`` as the prompt."""
    settings = REFERENCE_SPEECH.sampling
    both = torch.cat((_row(data.phonemes[peer]), phonemes), dim=1)
    prompt = _row(data.tokens[peer])
    made = generate(gpt, both, None, prompt, settings, generator=generator, early_stop_tokens=25 * _LONGEST_S)
    return made.tokens[None] if len(made.tokens) else torch.zeros(1, 1, dtype=torch.int64)


def _copy(sovits: Sovits, wave: np.ndarray, style: Tensor, generator: torch.Generator) -> np.ndarray:
    assert sovits.enc_q is not None
    posterior = sovits.enc_q(_spectrogram(sovits, wave), None, style)
    noise = torch.randn(posterior.mean.shape, generator=generator)
    audio: np.ndarray = sovits.dec(posterior.sample(noise), style)[0, 0].numpy()
    return audio


def _render(
    sovits: Sovits, codes: Tensor, phonemes: Tensor, style: Tensor, generator: torch.Generator
) -> np.ndarray:
    shape = (1, sovits.config.inter, 2 * codes.shape[1])
    noise = torch.randn(shape, generator=generator) * REFERENCE_SPEECH.noise_scale
    audio: np.ndarray = sovits.synthesize(codes, phonemes, style, noise)[0, 0].numpy()
    return audio


def _spectrogram(sovits: Sovits, wave: np.ndarray) -> Tensor:
    return magnitude_spectrogram(torch.from_numpy(wave)[None], sovits.config.audio)


def _row(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.int64))[None]
