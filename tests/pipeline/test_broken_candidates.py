"""NaN or silence from a candidate is a measured failure with its reason at every rung, never a good score."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from autocompress.metrics.evaluation_set import EvaluationSet, ReferenceVoice, Sentence
from autocompress.metrics.utterance import Recording
from autocompress.pipeline.evaluator import CandidateEvaluator, said_in_time, student_speaker
from autocompress.planner import ModelChoice
from autocompress.space import Candidate
from autocompress.transforms import GptHalf, SovitsHalf, materialize

GPT, SOVITS = Candidate({"gpt.ffn.0": 64}), Candidate({"sovits.vocoder.pre": 16})
HISS = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) / 10


@pytest.fixture
def evaluator(teacher):
    made = CandidateEvaluator(ModelChoice(None, gpt="tiny"), "snapdragon-7-gen-3", teacher)
    voice = ReferenceVoice("ada", Recording(HISS, 16_000), "A short prompt.")
    tasks = EvaluationSet(0, (Sentence("s1", "Yes.", "en"), Sentence("s2", "No.", "en")), (voice,)).in_turn()
    made.__dict__["data"] = replace(made.data, spoken=tasks)
    return made


def spoil(monkeypatch, half, change) -> None:
    """Every student's half goes through ``change`` before it is used."""
    original = half.computing

    def computing(self):
        network = original(self)
        with torch.no_grad():
            change(network)
        return network

    monkeypatch.setattr(half, "computing", computing)


def not_a_number(network) -> None:
    for parameter in network.parameters():
        parameter.fill_(torch.nan)


def mute(sovits) -> None:
    for name, parameter in sovits.named_parameters():
        if "conv_post" in name:
            parameter.zero_()


def test_a_gpt_of_nan_fails_both_rungs(evaluator, monkeypatch) -> None:
    spoil(monkeypatch, GptHalf, not_a_number)
    assert "logits are NaN" in str(evaluator(GPT, "divergence", 0).failure)
    assert "predicts NaN for token 0" in str(evaluator(GPT, "speech", 0).failure)


@pytest.mark.parametrize(("change", "reason"), [(not_a_number, "NaN"), (mute, "silent")])
def test_a_vocoder_of_nan_or_silence_fails_both_rungs(evaluator, monkeypatch, change, reason) -> None:
    spoil(monkeypatch, SovitsHalf, change)
    for rung in ("divergence", "speech"):
        found = evaluator(SOVITS, rung, 0)
        assert reason in str(found.failure)
        assert not found.measurements


def test_a_sound_candidate_passes_the_same_divergence_rung(evaluator) -> None:
    assert evaluator(GPT, "divergence", 0).failure is None


def test_a_student_that_never_stops_is_cut_off(evaluator, teacher) -> None:
    student = materialize(teacher, GPT)
    with torch.no_grad():
        student.gpt.ar_predict_layer.weight[-1] = 0  # the stop is never the likeliest, and hardly drawn
    speaker = student_speaker(teacher, student.gpt, student.sovits)
    task = evaluator.data.spoken[0]
    phonemes = len(teacher.text(task.sentence.text, "en").ids)
    assert len(said_in_time(speaker, task).tokens) <= 3 * phonemes + 26
    assert teacher.gpt.config.max_tokens > 400
