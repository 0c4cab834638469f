"""Kaldi mel features and ERes2NetV2 against numbers from kaldi-native-fbank 1.23 and modelscope 1.40."""

import os
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from autocompress.errors import AudioError, CheckpointError
from autocompress.models.fbank import kaldi_fbank
from autocompress.models.speaker_network import (
    SPEAKER_VECTOR_SIZE,
    SpeakerNetwork,
    SpeakerNetworkSizes,
    load_speaker_network,
    speaker_network_from_weights,
)

# fbank: every 8th frame of kaldi-native-fbank (80 bins, dither 0); vector: the fused feature map of
# modelscope's ERes2NetV2 at the sizes below, averaged over time, weights by the rule below.
GOLDEN = Path(__file__).parent / "data" / "speaker_network.npz"
SMALL = SpeakerNetworkSizes(channels=8, blocks=(2, 1, 2, 1), embedding_size=16)
# Kaldi computes in float32: 1e-4 off in the weakest bins (values reach 12), which the random network carries
# on to 1.4e-4 of the vector; a changed weight moves it by 1e-2 and more.
TOLERANCE = 5e-4


def wave() -> np.ndarray:
    """One second of a swept tone and noise at 16 kHz."""
    t = np.arange(16000) / 16000
    noise = np.random.RandomState(0).standard_normal(16000)
    return (0.3 * np.sin(2 * np.pi * (200 + 900 * t) * t) + 0.1 * noise).astype(np.float32)


def weights_by_rule(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Weights that depend on the key alone, each scaled so that activations keep their size."""
    return {key: _weight(key, shape) for key, shape in shapes.items()}


def _weight(key: str, shape: tuple[int, ...]) -> Tensor:
    if key.endswith("num_batches_tracked"):
        return torch.tensor(7)
    u = np.random.RandomState(zlib.crc32(key.encode())).uniform(-1, 1, shape)
    if key.endswith("running_var") or (key.endswith("weight") and len(shape) == 1):
        return torch.from_numpy((1 + 0.3 * u).astype(np.float32))
    fan_in = np.prod(shape[1:]) if len(shape) > 1 else 25.0
    return torch.from_numpy((u * np.sqrt(6 / fan_in)).astype(np.float32))


def small_weights() -> dict[str, Tensor]:
    shapes = {key: tuple(value.shape) for key, value in SpeakerNetwork(SMALL).state_dict().items()}
    return weights_by_rule(shapes | {"seg_1.weight": (16, 2 * SMALL.vector_size), "seg_1.bias": (16,)})


def _relative_error(weights: dict[str, Tensor]) -> float:
    golden = np.load(GOLDEN)["vector"]
    vector = speaker_network_from_weights(weights, SMALL).speaker_vector(wave())
    return float(np.linalg.norm(vector - golden) / np.linalg.norm(golden))


def test_mel_features_equal_kaldis() -> None:
    fbank = kaldi_fbank(wave())
    assert fbank.shape == (98, 80)
    np.testing.assert_allclose(fbank[::8], np.load(GOLDEN)["fbank"], atol=TOLERANCE)


def test_the_comparison_of_mel_features_notices_a_wave_scaled_like_16_bit_integers() -> None:
    assert np.abs(kaldi_fbank(32768 * wave())[::8] - np.load(GOLDEN)["fbank"]).min() > 1


def test_mel_features_of_silence_lie_at_the_floor_and_of_too_little_are_refused() -> None:
    np.testing.assert_allclose(kaldi_fbank(np.zeros(400, np.float32)), np.log(2.0**-23), rtol=1e-6)
    with pytest.raises(AudioError, match="400 samples"):
        kaldi_fbank(np.zeros(399, np.float32))


def test_the_speaker_vector_equals_the_originals() -> None:
    assert _relative_error(small_weights()) < TOLERANCE


@pytest.mark.parametrize(
    "key", ["layer1.1.convs.2.weight", "layer3.1.fuse_models.0.local_att.4.bias", "bn1.bias"]
)
def test_the_comparison_of_speaker_vectors_notices_one_changed_weight(key: str) -> None:
    weights = small_weights()
    weights[key] = weights[key] * 1.1
    assert _relative_error(weights) > 10 * TOLERANCE


def test_at_the_original_sizes_it_has_the_originals_parameter_counts() -> None:
    with torch.device("meta"):
        network = SpeakerNetwork()
    used = sum(parameter.numel() for parameter in network.parameters())
    projection = 2 * SPEAKER_VECTOR_SIZE * 192 + 192
    assert network.sizes.vector_size == SPEAKER_VECTOR_SIZE
    assert (round(used / 1e6, 1), round((used + projection) / 1e6, 1)) == (45.6, 53.5)


def test_half_precision_weights_are_widened() -> None:
    halved = {
        key: value.half() if value.is_floating_point() else value for key, value in small_weights().items()
    }
    network = speaker_network_from_weights(halved, SMALL)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_every_key_that_does_not_fit_is_listed_at_once() -> None:
    weights = small_weights()
    del weights["bn1.weight"]
    weights["conv1.weight"] = torch.zeros(3)
    weights["decoder.weight"] = torch.zeros(3)
    with pytest.raises(CheckpointError) as caught:
        speaker_network_from_weights(weights, SMALL, source="speaker.ckpt")
    for part in (
        "speaker.ckpt",
        "missing bn1.weight",
        r"conv1.weight: expected [8, 1, 3, 3], found [3]",
        "unexpected",
    ):
        assert part in str(caught.value)


def test_a_file_loads_as_users_have_it_and_its_name_follows_its_content(tmp_path: Path) -> None:
    torch.save(OrderedDict(small_weights()), tmp_path / "speaker.ckpt")
    network = load_speaker_network(tmp_path / "speaker.ckpt", SMALL)
    assert network.name.startswith("speaker@")
    assert network.speaker_vector(wave()).shape == (SMALL.vector_size,)
    torch.save(OrderedDict(small_weights() | {"bn1.bias": torch.zeros(8)}), tmp_path / "speaker.ckpt")
    assert load_speaker_network(tmp_path / "speaker.ckpt", SMALL).name != network.name


class _Hostile:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch pwned",)


def test_a_hostile_a_truncated_an_absent_and_another_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"conv1.weight": _Hostile()}, tmp_path / "hostile.ckpt")
    torch.save(small_weights(), tmp_path / "short.ckpt")
    (tmp_path / "short.ckpt").write_bytes((tmp_path / "short.ckpt").read_bytes()[:9000])
    torch.save({"state": {"a": torch.zeros(1)}}, tmp_path / "other.ckpt")
    for name, message in {
        "hostile.ckpt": "not run",
        "short.ckpt": "not a whole torch checkpoint",
        "absent.ckpt": "cannot be read",
        "other.ckpt": "expected a table of tensors",
    }.items():
        with pytest.raises(CheckpointError, match=message):
            load_speaker_network(tmp_path / name, SMALL)
    assert not (tmp_path / "pwned").exists()
