"""A spare vocoder is trained, written, given to its model, searched over and produced."""

import json
import warnings

import numpy as np
import pytest

from autocompress.bundle import Bundle
from autocompress.errors import CheckpointError, RunError
from autocompress.models.checkpoint import attach_spare
from autocompress.models.spare_header import spare_sizes
from autocompress.pipeline.compose import plan, produce
from autocompress.pipeline.evaluator import CandidateEvaluator
from autocompress.pipeline.fingerprints import speaker_hash, teacher_hash
from autocompress.pipeline.model_source import choose_model
from autocompress.pipeline.spare_training import SWAPPED, SpareTraining, train_spare
from autocompress.planner import ModelChoice, SearchSettings
from tests.tiny_teacher import tiny_teacher

ASKED = SpareTraining(steps=24, width=16, n_lessons=8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The file, and what training made of it."""
    out = tmp_path_factory.mktemp("spare") / "vocoder.safetensors"
    return out, train_spare(tiny_teacher(), out, ASKED)


@pytest.fixture(scope="module")
def swapped(trained):
    """A teacher that has it."""
    teacher = tiny_teacher()
    attach_spare(teacher.sovits, trained[0])
    return teacher


def test_training_brings_it_closer_and_the_file_says_how_it_was_made(trained) -> None:
    out, result = trained
    (part,) = result.parts
    assert part.name == "vocoder"
    assert part.trained_loss < part.untrained_loss
    assert spare_sizes(out).width == 16


def test_the_same_call_goes_on_from_what_is_there(trained) -> None:
    out, result = trained
    before = out.read_bytes()
    said = []
    again = train_spare(tiny_teacher(), out, ASKED, said.append)
    assert again.parts[0].trained_loss == result.parts[0].trained_loss
    assert out.read_bytes() == before
    assert not any(": step " in text for text in said)  # nothing was trained twice


def test_what_the_teacher_says_does_not_depend_on_its_spare(swapped) -> None:
    bare = tiny_teacher()
    assert speaker_hash(swapped) == speaker_hash(bare) == teacher_hash(bare)
    assert teacher_hash(swapped) != teacher_hash(bare)


def test_training_that_comes_to_nothing_writes_no_file(tmp_path, monkeypatch) -> None:
    from autocompress.production.sovits_craft import SovitsCraft

    monkeypatch.setattr(SovitsCraft, "loss", lambda *_: 1.0)
    out = tmp_path / "vocoder.safetensors"
    with pytest.raises(RunError, match="learnt nothing"):
        train_spare(tiny_teacher(), out, SpareTraining(steps=4, width=16, n_lessons=8))
    assert not out.exists()


def test_a_search_offers_it_and_counts_what_it_saves(swapped) -> None:
    planned = plan(
        "<2MB, <1s on Snapdragon 7 Gen3", swapped, space="quick", settings=SearchSettings(trials=6)
    )
    assert planned.space.by_name["sovits.vocoder.module"].options == ("hifigan", "istft-head")
    evaluate = CandidateEvaluator(ModelChoice(None, gpt="tiny"), "snapdragon-7-gen-3", swapped, listens=False)
    own, spare = (evaluate(c, "free", 0) for c in (planned.space.candidate({}), SWAPPED))
    assert spare.details["seconds.vocoder"] < own.details["seconds.vocoder"]
    judged = evaluate(SWAPPED, "divergence", 0)
    assert 0 < judged.measurements["quality_loss"].value < float("inf")


def test_its_bundle_speaks_and_streams_without_a_seam(swapped, tmp_path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        produce(
            SWAPPED,
            tmp_path / "bundle",
            teacher=swapped,
            device="snapdragon-7-gen-3",
            speech=False,
            distil_steps=0,
        )
    bundle = Bundle.load(tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert manifest["candidate"] == SWAPPED.to_dict()
    assert manifest["audio"]["margin_frames"] is not None
    audio = bundle.say("Hello there.", voice="ada")
    assert np.isfinite(audio).all()
    assert audio.std() > 0


def test_a_vocoder_needs_a_model_of_ones_own() -> None:
    with pytest.raises(CheckpointError, match="--vocoder belongs to a model of your own"):
        choose_model(vocoder="v.safetensors")
