"""A training's scores: four ways to hear a clip, a line a time, a picture of all of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from autocompress.metrics.metric import Metric
from autocompress.metrics.utterance import Utterance
from autocompress.models.config import (
    AudioConfig,
    GptConfig,
    QuantizerConfig,
    SovitsConfig,
    StyleConfig,
    WaveNetSize,
    halving_vocoder,
)
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.training.dataset import Dataset, Item, Ragged, split_of
from autocompress.pipeline import training_scores
from autocompress.pipeline.training_scores import PATHS, Halves, append_scores, score_halves
from autocompress.reporting.training_figure import write_training_figure

HOP, CODES, RATE_HZ = 32, 16, 1600


def loudness(subject: Utterance) -> float:
    """A score that needs no network: the root mean square."""
    return float(np.sqrt(np.mean(subject.speech.samples**2)))


LOUDNESS = Metric("similarity", "1", 0.0, 0.0, lambda subject: None, loudness, higher_is_better=True)


@pytest.fixture
def data() -> Dataset:
    rng = np.random.default_rng(0)
    rows = [(speaker, rank) for rank in range(2) for speaker in ("emma", "adam", "ghost")]
    return Dataset(
        tuple(Item(s, "words", "en", split_of(s, rank, frozenset({"ghost"}), 2)) for s, rank in rows),
        Ragged.of([rng.normal(0, 3000, 2 * HOP * 12).astype(np.int16) for _ in rows]),
        Ragged.of([rng.integers(0, CODES, 12).astype(np.int16) for _ in rows]),
        Ragged.of([rng.integers(0, 732, 9).astype(np.int16) for _ in rows]),
        RATE_HZ,
        HOP,
    )


@pytest.fixture
def halves() -> Halves:
    torch.manual_seed(0)
    sovits = SovitsConfig.uniform(
        hidden=16, inter=8, gin=8, ffn=16, layers=2, mrte_hidden=8, couplings=1,
        vocoder=halving_vocoder(16, (4, 4, 2), (8, 8, 4)),
        flow=WaveNetSize(8, 1), posterior=WaveNetSize(8, 1),
        style=StyleConfig(bins=20, hidden=16, head_size=8),
        quantizer=QuantizerConfig(CODES, 12), audio=AudioConfig(RATE_HZ, 64, HOP, 64),
    )  # fmt: skip
    gpt = GptConfig.uniform(layers=1, width=16, heads=2, semantic_vocab=CODES + 1)
    return Halves(Gpt(gpt), Sovits(sovits, posterior=True), {"gpt": 3, "sovits": 5})


def test_every_split_is_heard_four_ways_and_drawn(
    data: Dataset, halves: Halves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_scores, "METRICS", ("similarity",))
    monkeypatch.setattr(training_scores, "speech_metrics", lambda: {"similarity": LOUDNESS})
    scores = score_halves(halves, data, lambda done, total: None, clips=2)
    assert scores["steps"] == {"gpt": 3, "sovits": 5}
    assert {split: tuple(paths) for split, paths in scores["splits"].items()} == {
        "validation": PATHS,
        "unseen": PATHS,
    }
    heard = scores["splits"]["validation"]
    ends = (data.rows("validation")[0], data.rows("validation")[-1])
    truth = np.mean([np.sqrt(np.mean(data.wave(row) ** 2)) for row in ends])
    assert heard["recording"]["similarity"]["value"] == pytest.approx(truth, rel=1e-5)
    assert heard["copy synthesis"] != heard["recording"]


def test_scores_and_losses_become_one_picture(tmp_path: Path) -> None:
    point = {"value": 0.5, "low": 0.4, "high": 0.6}
    found = dict.fromkeys(("similarity", "mos", "cer"), point)
    for step in (10, 20):
        row = {"steps": {"gpt": 1, "sovits": step}, "splits": {"validation": {"copy synthesis": found}}}
        append_scores(tmp_path / "scores.jsonl", row)
    (tmp_path / "sovits").mkdir()
    (tmp_path / "sovits" / "losses.jsonl").write_text(json.dumps({"step": 1, "mel": 2.0, "kl": 1.0}) + "\n")
    drawn = write_training_figure(tmp_path, tmp_path / "curves.svg").read_text()
    assert "<svg" in drawn
    empty = write_training_figure(tmp_path / "nothing", tmp_path / "empty.svg").read_text()
    assert len(drawn) > len(empty)
