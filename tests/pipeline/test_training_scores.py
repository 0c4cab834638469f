"""A training's scores: four ways to hear a clip, a line a time, a picture of all of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from autocompress.metrics.metric import Metric
from autocompress.metrics.utterance import Utterance
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.training.dataset import Dataset
from autocompress.pipeline import training_scores
from autocompress.pipeline.training_scores import PATHS, Halves, append_scores, score_halves
from autocompress.reporting.training_figure import write_training_figure
from tests.tiny_training import noise_dataset, tiny_gpt, tiny_sovits


def loudness(subject: Utterance) -> float:
    """A score that needs no network: the root mean square."""
    return float(np.sqrt(np.mean(subject.speech.samples**2)))


LOUDNESS = Metric("similarity", "1", 0.0, 0.0, lambda subject: None, loudness, higher_is_better=True)


@pytest.fixture
def data() -> Dataset:
    return noise_dataset(clips=2, n_validation=2, lengths=(12, 13))


@pytest.fixture
def halves() -> Halves:
    torch.manual_seed(0)
    return Halves(Gpt(tiny_gpt()), Sovits(tiny_sovits(), posterior=True), {"gpt": 3, "sovits": 5})


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
