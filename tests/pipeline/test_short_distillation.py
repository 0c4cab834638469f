"""The last rung: candidates trained for a moment before they are ranked."""

import pytest

from autocompress.pipeline.compose import plan
from autocompress.pipeline.evaluator import CandidateEvaluator
from autocompress.pipeline.short_distillation import ShortDistillation
from autocompress.planner import ModelChoice, SearchSettings
from autocompress.space import Candidate
from autocompress.transforms import Calibration

CANDIDATE = Candidate({"gpt.keep.1": False, "sovits.flow.couplings": 3})


@pytest.fixture
def evaluator(teacher, tmp_path) -> CandidateEvaluator:
    made = CandidateEvaluator(ModelChoice(None, gpt="tiny"), "snapdragon-7-gen-3", teacher, listens=False)
    made.__dict__["distillation"] = ShortDistillation(teacher, Calibration(), 12, 4, tmp_path)
    return made


def test_a_moment_of_training_brings_a_candidate_closer(evaluator) -> None:
    untrained = evaluator(CANDIDATE, "divergence", 0)
    trained = evaluator(CANDIDATE, "distillation", 0)
    assert trained.measurements["quality_loss"].value < untrained.measurements["quality_loss"].value
    assert trained.details["kl"] < untrained.details["kl"]


def test_a_half_that_two_candidates_share_is_trained_once(evaluator, monkeypatch) -> None:
    evaluator(CANDIDATE, "distillation", 0)
    trained = []
    monkeypatch.setattr(ShortDistillation, "_train", lambda self, half, part, seed: trained.append(half))
    evaluator.distillation.gpt(Candidate({"gpt.keep.1": False, "sovits.flow.couplings": 2}), 0)
    evaluator.distillation.sovits(CANDIDATE, 0)
    assert trained == []
    evaluator.distillation.gpt(CANDIDATE, 1)
    assert trained == ["gpt"]


def test_the_same_seed_gives_the_same_score(evaluator) -> None:
    first = evaluator(CANDIDATE, "distillation", 0)
    evaluator.distillation._kept.clear()
    again = evaluator(CANDIDATE, "distillation", 0)
    assert again.measurements["quality_loss"].value == first.measurements["quality_loss"].value


def test_the_rung_can_be_switched_on(teacher) -> None:
    line = "<2MB, <1s on Snapdragon 7 Gen3"
    off = plan(line, teacher, space="quick", settings=SearchSettings(trials=6))
    on = plan(line, teacher, space="quick", settings=SearchSettings(trials=6, distillation=True))
    assert off.rungs == ("divergence", "speech")
    assert on.rungs == ("divergence", "speech", "distillation")
    assert on.expected_s > off.expected_s
