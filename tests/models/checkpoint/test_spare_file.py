"""The file of a spare vocoder: written whole, read strictly, only behind the model it was trained for."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_models import SPECTRAL, uneven_sovits

from autocompress.errors import CheckpointError
from autocompress.models.checkpoint import attach_spare, save_spare
from autocompress.models.checkpoint.spare_file import latents_hash
from autocompress.models.sovits.istft import new_spare
from autocompress.models.spare_header import spare_sizes

KEY = "autocompress.spare"


@pytest.fixture
def saved(tmp_path):
    model = uneven_sovits().requires_grad_(False)
    model.attach(new_spare(model.config, SPECTRAL, 0))
    path = tmp_path / "spare.safetensors"
    save_spare(model, path, {"steps": 7})
    return model, path


def rewritten(path, about=None, weights=None):
    """The file with something in its header, or in its weights, changed."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()[KEY])
    tensors = load_file(path) | (weights or {})
    save_file(tensors, path, {KEY: json.dumps(header | (about or {}))})
    return path


def test_what_is_read_is_what_was_written_in_halves(saved):
    model, path = saved
    again = uneven_sovits().requires_grad_(False)
    attach_spare(again, path)
    assert again.config == model.config
    assert spare_sizes(path) == SPECTRAL
    halves = {key: tensor.half().float() for key, tensor in model.spare.state_dict().items()}
    assert all(torch.equal(tensor, halves[key]) for key, tensor in again.spare.state_dict().items())
    assert not any(parameter.requires_grad for parameter in again.spare.parameters())


def test_the_latents_do_not_depend_on_either_vocoder(saved):
    model, _ = saved
    other = uneven_sovits().requires_grad_(False)
    other.dec.conv_pre.weight.data += 1
    assert latents_hash(other) == latents_hash(model)
    other.flow.flows[0].pre.bias.data += 1
    assert latents_hash(other) != latents_hash(model)


def test_another_models_vocoder_is_refused(saved):
    _, path = saved
    stranger = uneven_sovits().requires_grad_(False)
    stranger.enc_p.proj.bias.data += 1
    with pytest.raises(CheckpointError, match="another SoVITS"):
        attach_spare(stranger, path)
    assert stranger.spare is None


@pytest.mark.parametrize("size", [0, 7, 300])
def test_a_file_that_was_cut_off_is_refused(saved, size):
    _, path = saved
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match="no spare vocoder can be read"):
        attach_spare(uneven_sovits(), path)


def test_a_missing_file_and_a_foreign_one_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no spare vocoder can be read"):
        spare_sizes(tmp_path / "nowhere.safetensors")
    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="no spare vocoder of this package"):
        spare_sizes(tmp_path / "foreign.safetensors")


def test_a_newer_format_is_refused(saved):
    with pytest.raises(CheckpointError, match="format 2"):
        spare_sizes(rewritten(saved[1], {"format": 2}))


def test_every_tensor_that_does_not_fit_is_named(saved):
    path = rewritten(
        saved[1], weights={"cond.bias": torch.zeros(3).half(), "stranger": torch.zeros(1).half()}
    )
    with pytest.raises(CheckpointError) as found:
        attach_spare(uneven_sovits(), path)
    assert all(word in str(found.value) for word in ("2 tensors", "cond.bias: (3,)", "stranger"))


def test_a_vocoder_with_nan_is_refused(saved):
    path = rewritten(saved[1], weights={"cond.bias": torch.full((12,), float("nan")).half()})
    with pytest.raises(CheckpointError, match=r"NaN or infinite weights in cond\.bias"):
        attach_spare(uneven_sovits(), path)


def test_a_full_disk_leaves_what_was_there(saved, monkeypatch):
    model, path = saved
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_spare(model, path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_sizes_of_the_packaged_model_are_known_without_pytorch() -> None:
    code = (
        "import sys; from autocompress.pipeline.model_source import choose_model, model_sizes; "
        "assert model_sizes(choose_model())[1].spare is not None; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
