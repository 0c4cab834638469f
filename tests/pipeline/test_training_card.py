"""A training's card: data by split, sizes, recipe, hours, and the scores of the last evaluation."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.training.dataset import GPT_ONLY
from autocompress.models.training.gpt_objective import GptRecipe
from autocompress.models.training.sovits_objective import SovitsRecipe
from autocompress.pipeline.training_card import Training, card_text, hours_of
from autocompress.pipeline.training_scores import Halves, append_scores
from tests.tiny_training import noise_dataset, tiny_gpt, tiny_sovits


@pytest.fixture
def training(tmp_path: Path) -> Training:
    return Training(tmp_path, Path("recordings"), 7, GptRecipe(40), SovitsRecipe(50))


@pytest.fixture
def halves() -> Halves:
    return Halves(Gpt(tiny_gpt()), Sovits(tiny_sovits(), posterior=True), {"gpt": 40, "sovits": 12})


def test_a_card_names_data_sizes_seed_and_how_far_training_went(training: Training, halves: Halves) -> None:
    card = card_text(training, noise_dataset(), halves)
    assert "1 layers × 16" in card
    assert "`recordings`, 12 clips" in card
    assert "in 2 voices" in card
    assert "never trained on: ghost." in card
    assert "**Seed**: 7." in card
    assert "step 40 of 40" in card
    assert "step 12 of 50" in card
    assert "Not evaluated yet" in card
    assert "only the GPT" not in card


def test_clips_for_the_gpt_alone_are_counted_apart(training: Training, halves: Halves) -> None:
    data = noise_dataset(lengths=(9000, 9001))
    items = [replace(item, split=GPT_ONLY) if row == 4 else item for row, item in enumerate(data.items)]
    card = card_text(training, replace(data, items=tuple(items)), halves)
    assert "and 0.10 h that only the GPT learnt from" in card
    assert "0.50 h in 2 voices" in card


def test_hours_are_those_of_the_steps(tmp_path: Path) -> None:
    losses = tmp_path / "losses.jsonl"
    assert hours_of(losses) == 0
    rows = [{"step": 100, "seconds_per_step": 36.0}, {"step": 150, "seconds_per_step": 72.0}]
    losses.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert hours_of(losses) == pytest.approx(2.0)


def test_the_last_evaluation_is_the_one_that_is_shown(training: Training, halves: Halves) -> None:
    for step, value in ((10, 0.25), (20, 0.75)):
        point = {"value": value, "low": 0.0, "high": 1.0}
        splits = {"validation": {"copy synthesis": {"similarity": point}}}
        row = {"steps": {"gpt": 1, "sovits": step}, "clips": 3, "splits": splits}
        append_scores(training.folder / "scores.jsonl", row)
    card = card_text(training, noise_dataset(), halves)
    assert "SoVITS step 20 (3 clips a split)" in card
    assert "| copy synthesis | 0.750 |" in card
    assert "0.250" not in card
