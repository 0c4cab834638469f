"""The trainer: batches from (seed, step), losses that fall, runs that resume to the same weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autocompress.errors import MalformedError, RunError
from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.discriminators import DiscriminatorConfig
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.models.training.batches import BatchSource
from autocompress.models.training.corpus import Clip
from autocompress.models.training.dataset import GPT_ONLY, TRAIN, UNSEEN, VALIDATION, Dataset
from autocompress.models.training.gpt_objective import GptObjective, GptRecipe
from autocompress.models.training.prepare import Preparation, split_clips
from autocompress.models.training.sovits_objective import SovitsObjective, SovitsRecipe
from autocompress.models.training.trainer import Progress, Schedule, train


def gpt_objective(dataset: Dataset, config: GptConfig, steps: int) -> GptObjective:
    torch.manual_seed(0)
    recipe = GptRecipe(steps, batch_size=3, peak_rate=3e-3, warm_steps=2, bfloat16=False)
    return GptObjective(Gpt(config), BatchSource(dataset, seed=0), recipe)


def sovits_objective(dataset: Dataset, config: SovitsConfig, steps: int) -> SovitsObjective:
    torch.manual_seed(0)
    critics = DiscriminatorConfig(periods=(2,), scale=False, width=0.1)
    recipe = SovitsRecipe(
        steps, adversarial_from=2, batch_size=2, segment_frames=8, discriminators=critics, bfloat16=False
    )
    return SovitsObjective(Sovits(config, posterior=True), BatchSource(dataset, seed=0), recipe)


def ignore(progress: Progress) -> None:
    pass


def weights_after(objective: GptObjective | SovitsObjective) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in objective.model.parameters()])


def test_every_clip_is_in_one_split_and_unseen_speakers_in_none_other(dataset: Dataset) -> None:
    splits = [dataset.rows(split) for split in (TRAIN, VALIDATION, UNSEEN)]
    assert sorted(row for rows in splits for row in rows) == list(range(len(dataset.items)))
    assert set(dataset.by_speaker(UNSEEN)) == {"ghost"}
    assert "ghost" not in dataset.by_speaker(TRAIN)


def test_a_batch_is_the_same_whenever_it_is_made(dataset: Dataset) -> None:
    first, again = BatchSource(dataset, seed=3), BatchSource(dataset, seed=3)
    first.gpt(0, 4)
    assert torch.equal(first.gpt(7, 4).tokens, again.gpt(7, 4).tokens)
    assert torch.equal(first.sovits(7, 2).waves, again.sovits(7, 2).waves)
    assert not torch.equal(again.gpt(8, 4).tokens, again.gpt(7, 4).tokens)


def test_an_epoch_visits_every_training_clip_once(dataset: Dataset) -> None:
    source = BatchSource(dataset, seed=0)
    rows = [row for step in range(3) for row in source._draw(step, 2)]
    assert sorted(rows) == dataset.rows(TRAIN)


def test_clips_for_the_gpt_alone_are_drawn_where_they_are_asked_for(dataset: Dataset) -> None:
    words = dataset.rows(TRAIN)[0]
    items = [
        replace(item, split=GPT_ONLY) if row == words else item for row, item in enumerate(dataset.items)
    ]
    mixed = replace(dataset, items=tuple(items))
    n = len(dataset.rows(TRAIN))
    assert sorted(BatchSource(mixed, 0, (TRAIN, GPT_ONLY))._draw(0, n)) == dataset.rows(TRAIN)
    assert words not in BatchSource(mixed, 0)._draw(0, n)


def test_a_clip_for_the_gpt_alone_is_never_kept_out() -> None:
    clips = [Clip(Path("a"), "emma", "One."), Clip(Path("b"), "bird", "Two.", gpt_only=True)]
    assert split_clips(clips, Preparation(frozenset({"bird"}), n_validation=1)) == [VALIDATION, GPT_ONLY]


def test_a_dataset_comes_back_from_its_folder_unchanged(dataset: Dataset, tmp_path: Path) -> None:
    dataset.save(tmp_path)
    loaded = Dataset.load(tmp_path)
    assert loaded.items == dataset.items
    assert all((loaded.tokens[row] == dataset.tokens[row]).all() for row in range(len(dataset.items)))


def test_a_folder_without_a_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(MalformedError, match="Prepare it again"):
        Dataset.load(tmp_path)


def test_the_gpt_learns_its_batches(dataset: Dataset, gpt_config: GptConfig, tmp_path: Path) -> None:
    objective = gpt_objective(dataset, gpt_config, 40)
    before = objective.step(0)["loss"]
    train(objective, Schedule(40, report_every=20), tmp_path, ignore)
    assert objective.step(41)["loss"] < 0.8 * before


@pytest.mark.parametrize("half", ["gpt", "sovits"])
def test_a_run_in_two_parts_ends_like_a_run_in_one(
    half: str, dataset: Dataset, gpt_config: GptConfig, sovits_config: SovitsConfig, tmp_path: Path
) -> None:
    def fresh(steps: int) -> GptObjective | SovitsObjective:
        if half == "gpt":
            return gpt_objective(dataset, gpt_config, steps)
        return sovits_objective(dataset, sovits_config, steps)

    whole = fresh(4)
    train(whole, Schedule(4), tmp_path / "whole", ignore)
    train(fresh(4), Schedule(2), tmp_path / "parts", ignore)
    second = fresh(4)
    train(second, Schedule(4), tmp_path / "parts", ignore)
    assert torch.equal(weights_after(whole), weights_after(second))
    third = fresh(4)
    third.step(0)
    assert not torch.equal(weights_after(whole), weights_after(third))


def test_a_diverged_run_keeps_its_last_good_state(
    dataset: Dataset, gpt_config: GptConfig, tmp_path: Path
) -> None:
    objective = gpt_objective(dataset, gpt_config, 4)
    train(objective, Schedule(2), tmp_path, ignore)
    good = (tmp_path / "state.pt").read_bytes()
    with torch.no_grad():
        objective.average.values["ar_predict_layer.weight"].fill_(0)
    broken = gpt_objective(dataset, gpt_config, 4)
    broken.step = lambda step: {"loss": float("nan")}  # type: ignore[method-assign]
    with pytest.raises(RunError, match="diverged at step 3"):
        train(broken, Schedule(4), tmp_path, ignore)
    assert (tmp_path / "state.pt").read_bytes() == good
