"""HuBERT from a user's folder: a tiny random one, saved in every layout that users have."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from autocompress.errors import AudioError, CheckpointError, MissingExtraError
from autocompress.models import hf_folder
from autocompress.models.content import HubertContent
from autocompress.models.hf_folder import import_transformers

needs_transformers = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None,
    reason="the extra 'hubert' (transformers) is not installed",
)
CONFIG: dict[str, Any] = {
    "model_type": "hubert",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "torch_dtype": "float16",
}
WAVE = (0.1 * np.sin(np.arange(16000) * 0.05)).astype(np.float32)


def random_hubert() -> Any:
    transformers = import_transformers("a test")
    torch.manual_seed(0)
    return transformers.HubertModel(transformers.HubertConfig.from_dict(dict(CONFIG))).float().eval()


def old_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        key.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for key, value in weights.items()
    }


def write_folder(folder: Path, weights: dict[str, Tensor], name: str = "pytorch_model.bin") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    if name.endswith(".safetensors"):
        save_file({key: value.contiguous() for key, value in weights.items()}, folder / name)
    else:
        torch.save(weights, folder / name)
    return folder


def _plain(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return weights


def _as_in_a_ctc_model(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    wrapped = {f"hubert.{key}": value for key, value in old_names(weights).items()}
    return wrapped | {"lm_head.weight": torch.zeros(3, 32)}


def _without_the_mask_vector(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in weights.items() if key != "masked_spec_embed"}


@needs_transformers
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
@pytest.mark.parametrize("layout", [_plain, old_names, _as_in_a_ctc_model, _without_the_mask_vector])
def test_features_are_the_last_hidden_state_of_the_raw_wave(
    tmp_path: Path, name: str, layout: Callable[[dict[str, Tensor]], dict[str, Tensor]]
) -> None:
    original = random_hubert()
    content = HubertContent(write_folder(tmp_path / "hubert", layout(original.state_dict()), name))
    with torch.inference_mode():
        expected = original(torch.from_numpy(WAVE)[None]).last_hidden_state[0].T.numpy()
    features = content(WAVE)
    assert features.shape == (32, 49)  # 50 frames a second, less the receptive field
    np.testing.assert_allclose(features, expected, atol=1e-6)


@needs_transformers
def test_half_precision_weights_give_features_in_single_precision(tmp_path: Path) -> None:
    halves = {key: value.half() for key, value in random_hubert().state_dict().items()}
    assert HubertContent(write_folder(tmp_path / "hubert", halves))(WAVE).dtype == np.float32


def test_the_name_changes_with_the_weights_only(tmp_path: Path) -> None:
    names = [
        HubertContent(write_folder(tmp_path / f"{i}" / "hubert", {"a": torch.full((1,), value)})).name
        for i, value in enumerate((1.0, 1.0, 2.0))
        if not (tmp_path / f"{i}").mkdir()
    ]
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("hubert@")


@needs_transformers
def test_every_tensor_that_does_not_fit_is_listed_at_once(tmp_path: Path) -> None:
    weights = random_hubert().state_dict()
    del weights["encoder.layers.0.attention.k_proj.bias"]
    weights["encoder.layer_norm.bias"] = torch.zeros(5)
    weights["decoder.weight"] = torch.zeros(5)
    with pytest.raises(CheckpointError) as caught:
        HubertContent(write_folder(tmp_path / "hubert", weights))(WAVE)
    for part in (
        "3 faults",
        "missing encoder.layers.0",
        "expected [32], found [5]",
        "unexpected decoder.weight",
    ):
        assert part in str(caught.value)


class _Hostile:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch pwned",)


@needs_transformers
def test_a_hostile_file_is_refused_and_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write_folder(tmp_path / "hubert", {"a": _Hostile()})  # type: ignore[dict-item]
    with pytest.raises(CheckpointError, match="not executed"):
        HubertContent(folder)(WAVE)
    assert not (tmp_path / "pwned").exists()


@needs_transformers
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path / "hubert", random_hubert().state_dict(), name)
    (folder / name).write_bytes((folder / name).read_bytes()[:5000])
    with pytest.raises(CheckpointError, match=name):
        HubertContent(folder)(WAVE)


def test_a_folder_that_is_not_hubert_says_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="chinese-hubert-base"):
        HubertContent(tmp_path / "absent")
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        HubertContent(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(
        CheckpointError, match=r"'hubert' network was asked for, its config\.json says 'bert'"
    ):
        HubertContent(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="JSON"):
        HubertContent(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(CheckpointError, match="no weights"):
        _ = HubertContent(tmp_path).name


@needs_transformers
def test_a_wave_shorter_than_one_frame_is_refused(tmp_path: Path) -> None:
    content = HubertContent(write_folder(tmp_path / "hubert", random_hubert().state_dict()))
    with pytest.raises(AudioError, match="400 samples"):
        content(WAVE[:399])


def test_without_transformers_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hf_folder, "find_spec", lambda name: None)
    content = HubertContent(write_folder(tmp_path / "hubert", {"a": torch.zeros(1)}))
    with pytest.raises(MissingExtraError, match=r"autocompress\[hubert\]"):
        content(WAVE)


@needs_transformers
def test_a_torchaudio_that_does_not_load_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "torchaudio").mkdir()
    (tmp_path / "torchaudio" / "__init__.py").write_text("raise OSError('built for another torch')")
    code = (
        "from autocompress.models.hf_folder import import_transformers as load; print(load('x').HubertModel)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert "HubertModel" in result.stdout, result.stderr
