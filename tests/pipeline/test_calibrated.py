"""Importance on real speech is the pipeline's default: computed once a teacher, used by search and bundle."""

import pytest
import torch

from autocompress.pipeline import calibrated as module
from autocompress.pipeline.calibrated import calibrated, calibration_voices
from autocompress.pipeline.evaluator import CandidateEvaluator
from autocompress.planner import ModelChoice
from autocompress.production.training import threads
from autocompress.space import Candidate
from autocompress.transforms import materialize_sovits
from tests.tiny_teacher import tiny_teacher, tiny_voice

NARROW = Candidate({"sovits.vocoder.channels.0": 8, "sovits.vocoder.pre": 16})


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOCOMPRESS_CACHE", str(tmp_path))
    return tmp_path / "importance"


def equal(one, other) -> bool:
    return all(
        mine.keys() == theirs.keys()
        and all(torch.equal(tensor, theirs[name]) for name, tensor in mine.items())
        for mine, theirs in ((one.scores, other.scores), (one.inputs, other.inputs))
    )


def test_what_was_measured_once_is_read_again(teacher, cache, monkeypatch) -> None:
    first = calibrated(teacher)
    assert first.gpt.criterion == first.sovits.criterion == "activation"
    assert first.gpt.inputs
    assert first.sovits.inputs
    monkeypatch.setattr(module, "_measured", None)  # would be a TypeError
    again = calibrated(teacher)
    assert equal(first.gpt, again.gpt)
    assert equal(first.sovits, again.sovits)
    assert [path.suffix for path in cache.iterdir()] == [".pt"]


def test_other_weights_and_other_prompts_are_measured_anew(teacher, cache) -> None:
    calibrated(teacher)
    calibrated(tiny_teacher(seed=1))
    others = tiny_teacher()
    others.voices["ada"] = tiny_voice("ada", seed=1)
    calibrated(others)
    assert len(list(cache.iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", b"no importance", None])
def test_a_damaged_file_is_measured_anew(teacher, cache, damage) -> None:
    first = calibrated(teacher)
    path = next(cache.iterdir())
    if damage is None:
        torch.save({"gpt": {}}, path)
    else:
        path.write_bytes(damage)
    assert equal(calibrated(teacher).sovits, first.sovits)


def test_a_teacher_without_voices_is_weighed_by_magnitude(cache) -> None:
    mute = tiny_teacher()
    mute.voices.clear()
    assert calibrated(mute).sovits.criterion == "magnitude"
    assert calibration_voices(mute) == []
    assert not cache.exists()


def test_the_evaluator_chooses_units_by_it(teacher) -> None:
    evaluator = CandidateEvaluator(ModelChoice(None, gpt="tiny"), "snapdragon-7-gen-3", teacher)
    with threads(evaluator.threads):  # sums of several threads end in other bits
        chosen = materialize_sovits(teacher.sovits, NARROW, calibrated(teacher).sovits)
        by_magnitude = materialize_sovits(teacher.sovits, NARROW)
        scores = [
            evaluator.forced.score_sovits(half.network).mean("mel_distance")
            for half in (chosen, by_magnitude)
        ]
    assert scores[0] != scores[1]
    assert evaluator(NARROW, "divergence", 0).details["mel_distance"] == scores[0]
