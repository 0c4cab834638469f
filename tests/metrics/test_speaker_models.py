"""Embedders of files that a user gives: ERes2NetV2 as 3D-Speaker pools it, ECAPA-TDNN through SpeechBrain."""

import sys
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from autocompress.errors import AudioError, CheckpointError, MissingExtraError
from autocompress.metrics.audio import at_rate
from autocompress.metrics.speaker import SPEAKER_VARIABLE, chosen_embedder, embed_speaker, similarity
from autocompress.metrics.speaker_models import embedder_from, eres2net_embedder
from autocompress.metrics.spoken import heard_metrics
from autocompress.models.fbank import kaldi_fbank
from autocompress.models.speaker_network import (
    SpeakerNetwork,
    SpeakerNetworkSizes,
    speaker_network_from_weights,
)

SMALL = SpeakerNetworkSizes(channels=8, blocks=(1, 1, 1, 1), embedding_size=16)


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(0)
    projection = {"seg_1.weight": torch.randn(16, 2 * SMALL.vector_size), "seg_1.bias": torch.randn(16)}
    return SpeakerNetwork(SMALL).state_dict() | projection


@pytest.fixture(scope="module")
def checkpoint(weights, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("speaker") / "eres2netv2.ckpt"
    torch.save(dict(weights), path)
    return path


def test_eres2net_pools_mean_and_deviation_through_the_files_own_projection(checkpoint, weights, clips):
    clip = clips["00014"]
    embedding = eres2net_embedder(checkpoint, SMALL)(clip.samples, clip.sample_rate_hz)
    network = speaker_network_from_weights(weights, SMALL)
    speech = embedding_input(clip)
    found = network.feature_map(speech)[0]
    assert torch.allclose(found.mean(-1), network(speech)[0])
    pooled = torch.cat((found.mean(-1), found.std(-1)))
    wanted = (weights["seg_1.weight"] @ pooled + weights["seg_1.bias"]).numpy()
    assert embedding.shape == (16,)
    assert similarity(embedding, wanted) > 1 - 1e-5  # float32
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


def embedding_input(clip) -> torch.Tensor:
    return torch.from_numpy(kaldi_fbank(at_rate(clip.samples, clip.sample_rate_hz), 80))[None]


def test_it_hears_at_any_rate_and_refuses_silence(checkpoint, clips):
    embed, clip = eres2net_embedder(checkpoint, SMALL), clips["00014"]
    slower = at_rate(clip.samples, clip.sample_rate_hz, 16_000)
    one, other = embed(clip.samples, clip.sample_rate_hz), embed(slower, 16_000)
    assert similarity(one, other) > 0.999
    with pytest.raises(AudioError, match="silent"):
        embed(np.zeros(16_000, np.float32), 16_000)


def test_a_file_of_other_weights_is_refused(tmp_path, weights):
    torch.save({k: v for k, v in weights.items() if k != "seg_1.bias"}, tmp_path / "cut.ckpt")
    with pytest.raises(CheckpointError, match=r"missing seg_1\.bias"):
        eres2net_embedder(tmp_path / "cut.ckpt", SMALL)
    with pytest.raises(CheckpointError, match="cannot be read"):
        embedder_from(tmp_path / "nowhere.ckpt")


def test_ecapa_needs_its_folder_and_its_extra(tmp_path, monkeypatch):
    with pytest.raises(AudioError, match=r"no hyperparams\.yaml"):
        embedder_from(tmp_path)
    (tmp_path / "hyperparams.yaml").touch()
    monkeypatch.setitem(sys.modules, "speechbrain", None)
    monkeypatch.setitem(sys.modules, "speechbrain.inference.speaker", None)
    with pytest.raises(MissingExtraError, match=r"autocompress\[ecapa\]"):
        embedder_from(tmp_path)
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert "ecapa" in project["optional-dependencies"]


def test_the_variable_chooses_who_judges_identity(tmp_path, monkeypatch, say):
    assert chosen_embedder() is embed_speaker
    (tmp_path / "hyperparams.yaml").touch()
    classifier = SimpleNamespace(encode_batch=lambda batch: torch.tensor([[[3.0, 4.0]]]))
    module = ModuleType("speechbrain.inference.speaker")
    module.EncoderClassifier = SimpleNamespace(from_hparams=lambda source, savedir: classifier)
    for name in ("speechbrain", "speechbrain.inference", module.__name__):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv(SPEAKER_VARIABLE, str(tmp_path))
    judge = next(metric for metric in heard_metrics() if metric.name == "similarity")
    assert judge.read(say()).value == pytest.approx(1.0)  # the stand-in hears one voice in everything
