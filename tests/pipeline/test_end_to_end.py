"""From a line to a bundle that speaks, on a teacher of random weights."""

import json

import numpy as np
import pytest

from autocompress.bundle import Bundle
from autocompress.errors import InfeasibleError, RunError
from autocompress.hardware.library import load_profile
from autocompress.metrics.cost import CostModel
from autocompress.pipeline.compose import plan, produce, search
from autocompress.pipeline.evaluator import CandidateEvaluator
from autocompress.pipeline.run_folder import picked_trial
from autocompress.planner import ModelChoice, SearchSettings
from autocompress.space import Candidate


def test_the_search_leaves_plan_store_and_front(found) -> None:
    folder = found.study.folder
    assert {"plan.json", "store.db", "front.json", "front.csv"} <= {p.name for p in folder.iterdir()}
    assert len(found.front()) >= 1
    assert json.loads((folder / "plan.json").read_text())["device"] == "snapdragon-7-gen-3"


def test_the_teacher_itself_loses_nothing(found) -> None:
    assert found.front().teacher["quality_loss"].value == 0.0
    assert found.front().teacher["divergence"].value == 0.0


def test_every_point_of_the_front_holds_the_limits(found) -> None:
    for trial in found.front().trials:
        assert trial.measurements["size_mb"].value <= 2.0
        assert trial.measurements["latency_s"].upper(0.9) <= 1.0


def test_the_same_call_goes_on_and_evaluates_nothing_twice(found, teacher) -> None:
    settings = SearchSettings(trials=6, sampler="random", speech=False)
    again = plan("<2MB, <1s on Snapdragon 7 Gen3", teacher, space="quick", settings=settings)
    store = found.study.store
    known = len(store.trials(found.study.name))
    repeated = search(again, found.study.folder)
    assert [t.number for t in repeated.front().trials] == [t.number for t in found.front().trials]
    assert len(store.trials(found.study.name)) == known


def test_the_bundle_has_the_size_that_was_counted(found, delivered, teacher) -> None:
    candidate = found.front().smallest().candidate
    model = CostModel(teacher.gpt.config, teacher.sovits.config, load_profile("snapdragon-7-gen-3"))
    claimed = {c.key: c for c in delivered.manifest.claims}
    # Tiny weights: what is left is protobuf, which is only estimated; real models agree within 1 %.
    assert model.cost(candidate).size_bytes / 1e6 == pytest.approx(claimed["size_mb"].value, rel=0.15)


def test_the_bundle_claims_what_was_measured_and_says_where(delivered) -> None:
    claims = {c.key: c for c in delivered.manifest.claims}
    assert {"size_mb", "latency_s", "first_audio_s", "rtf", "memory_mb"} <= claims.keys()
    assert all(claims[key].source == "measured" for key in ("latency_s", "rtf"))
    assert claims["latency_s"].command == "pytest"
    assert delivered.manifest.teacher["name"] == "tiny"


def test_the_bundle_speaks_without_the_teacher(delivered) -> None:
    audio = Bundle.load(delivered.folder).say("Hello there.", "ada", seed=1)
    assert np.isfinite(audio).all()
    assert len(audio) > 0


def test_halves_that_were_scored_are_not_scored_again(teacher) -> None:
    evaluator = CandidateEvaluator(ModelChoice(None), "snapdragon-7-gen-3", teacher)
    evaluator(Candidate({"gpt.keep.1": False}), "divergence", 0)
    evaluator(Candidate({"sovits.flow.couplings": 2}), "divergence", 0)
    calls = []
    evaluator.forced.__class__.score_gpt, original = (
        lambda *args: calls.append(args),
        evaluator.forced.__class__.score_gpt,
    )
    try:
        both = evaluator(Candidate({"gpt.keep.1": False, "sovits.flow.couplings": 2}), "divergence", 0)
    finally:
        evaluator.forced.__class__.score_gpt = original
    assert calls == []
    assert both.details["kl"] > 0
    assert both.details["mel_distance"] > 0


def test_nan_is_a_measured_failure_with_its_reason(teacher) -> None:
    from dataclasses import replace

    import torch

    from tests.tiny_teacher import tiny_teacher

    sick = tiny_teacher()
    evaluator = CandidateEvaluator(ModelChoice(None), "snapdragon-7-gen-3", teacher)
    assert evaluator.forced  # the healthy teacher's answers
    with torch.no_grad():
        sick.gpt.ar_predict_layer.weight.fill_(float("nan"))
    evaluator.given = replace(teacher, gpt=sick.gpt)
    evaluator.__dict__["teacher"] = evaluator.given
    failed = evaluator(Candidate({"gpt.keep.2": False}), "divergence", 0)
    assert "NaN" in (failed.failure or "")
    assert not failed.measurements


def test_what_cannot_be_met_runs_nothing(teacher, tmp_path) -> None:
    impossible = plan("<1kB on Snapdragon 7 Gen3".replace("1kB", "0.01MB"), teacher, space="quick")
    with pytest.raises(InfeasibleError, match="Relaxing size_mb"):
        search(impossible, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_bundle_outside_of_a_run_needs_teacher_and_device(tmp_path) -> None:
    with pytest.raises(RunError, match="Give the teacher and the device"):
        produce(Candidate(), tmp_path / "bundle")


def test_picks_are_names_numbers_and_ids(found) -> None:
    document = json.loads((found.study.folder / "front.json").read_text())
    best = found.front().best()
    for pick in ("best", str(best.number), best.candidate.id):
        assert picked_trial(document, pick)["number"] == best.number
    with pytest.raises(RunError, match="Give one of"):
        picked_trial(document, "zzz")


@pytest.mark.filterwarnings("ignore")  # the exporter's own
def test_a_point_can_lend_its_vocoder_as_the_lighter_tier(found, teacher, tmp_path) -> None:
    """The bundle has both SoVITS graphs, counts both, and either speaks the same length."""
    narrow = Candidate({"sovits.vocoder.channels.0": 8})
    bundle = produce(
        found.front().smallest(),
        tmp_path / "bundle",
        teacher=teacher,
        device="snapdragon-7-gen-3",
        speech=False,
        distil_steps=0,
        fallback=narrow,
    )
    assert [tier.name for tier in bundle.manifest.tiers] == ["full", "light"]
    full, light = (bundle.folder / tier.sovits for tier in bundle.manifest.tiers)
    assert light.name == "sovits_lite.onnx"
    assert full.read_bytes() != light.read_bytes()
    claimed = {claim.key: claim.value for claim in bundle.manifest.claims}
    assert claimed["size_mb"] * 1e6 >= full.stat().st_size + light.stat().st_size
    assert len(bundle.say("Hello.", voice=bundle.voices.names()[0])) > 0
