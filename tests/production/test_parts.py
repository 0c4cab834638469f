"""GPT, front and vocoder are trained apart and put together again."""

import json

import pytest
import torch

from autocompress.production import training as module
from autocompress.production.assembly import shaped_student
from autocompress.production.settings import TrainingSettings
from autocompress.production.training import School, train_student
from autocompress.space import Candidate
from autocompress.transforms import materialize
from autocompress.transforms.building import with_vocoder

BOTH = Candidate(
    {"sovits.flow.channels": 12, "sovits.vocoder.kernels.0": "3", "sovits.vocoder.channels.1": 4}
)


def weights(network, vocoder: bool) -> dict[str, torch.Tensor]:
    return {k: v for k, v in network.state_dict().items() if k.startswith("dec.") == vocoder}


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_a_network_with_anothers_vocoder_is_each_in_its_part(teacher) -> None:
    student = materialize(teacher, BOTH).sovits
    mixed = with_vocoder(teacher.sovits, student)
    assert mixed.config == teacher.sovits.config.with_vocoder(student.config.vocoder)
    assert same(weights(mixed, vocoder=False), weights(teacher.sovits, vocoder=False))
    assert same(weights(mixed, vocoder=True), weights(student, vocoder=True))


def test_each_part_replaces_its_own_weights_alone(teacher) -> None:
    student = shaped_student(teacher, BOTH)
    front = student.with_part("front", teacher.sovits).sovits
    vocoder = student.with_part("vocoder", teacher.sovits).sovits
    assert same(weights(front, vocoder=True), weights(student.sovits, vocoder=True))
    assert same(weights(front, vocoder=False), weights(teacher.sovits, vocoder=False))
    assert same(weights(vocoder, vocoder=True), weights(teacher.sovits, vocoder=True))
    assert same(weights(vocoder, vocoder=False), weights(student.sovits, vocoder=False))
    assert student.with_part("gpt", teacher.gpt).gpt is teacher.gpt


def school(teacher, folder) -> School:
    settings = TrainingSettings(24, n_lessons=4, n_held_out=2, gpt_batch=2, sovits_batch=2)
    return School(teacher, "tiny", list(teacher.voices.values()), folder, settings)


@pytest.fixture(scope="module")
def trained(teacher, tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "UNHEARD_DB", 0.0)
        return train_student(school(teacher, folder), BOTH), folder


def test_a_front_whose_distance_is_not_heard_is_left_as_it_is_and_says_so(
    teacher, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(module, "UNHEARD_DB", 50.0)
    student = train_student(school(teacher, tmp_path), BOTH)
    assert [part.name for part in student.parts] == ["vocoder"]
    assert "the front is" in student.note
    assert "not heard" in student.note
    untrained = shaped_student(teacher, BOTH).sovits
    assert same(weights(student.student.sovits, vocoder=False), weights(untrained, vocoder=False))
    assert train_student(school(teacher, tmp_path), BOTH).to_dict() == student.to_dict()


def test_front_and_vocoder_have_their_own_stages_and_losses(trained) -> None:
    student, folder = trained
    assert [part.name for part in student.parts] == ["front", "vocoder"]
    assert student.parts[0].stages == ("prune",)
    assert student.parts[1].stages == ("distil", "prune")
    (course,) = (path.parent for path in folder.glob("*/summary.json"))
    logs = {name: list((course / name).rglob("losses.jsonl")) for name in ("front", "vocoder")}
    told = {name: set(json.loads(paths[0].read_text().splitlines()[-1])) for name, paths in logs.items()}
    assert "latent" in told["front"] and "mel" not in told["front"]
    assert "mel" in told["vocoder"] and "latent" not in told["vocoder"]


def test_what_comes_out_has_the_candidates_sizes_and_each_better_part(trained, teacher) -> None:
    student, _ = trained
    assert student.student.sovits.config == materialize(teacher, BOTH).sovits.config
    for part in student.parts:
        network = part.network
        mine = part.name == "vocoder"
        assert same(weights(student.student.sovits, vocoder=mine), weights(network, vocoder=mine))
