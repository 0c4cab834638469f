"""ERes2NetV2, the speaker network whose feature map conditions v2Pro and v2ProPlus.

Key-compatible with ``pretrained_eres2netv2w24s4ep4.ckpt`` (3D-Speaker's ERes2NetV2 with base width 24, scale
4, expansion 4: 53.5 M parameters). GPT-SoVITS stops before the pooling, so the last projection (7.9 M) is
checked in the file and left out here. Shapes: B batch, C channels, F mel bins, T frames.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from autocompress.errors import CheckpointError
from autocompress.models.audio import Samples
from autocompress.models.checkpoint.unpickle import unpickle_zip
from autocompress.models.fbank import kaldi_fbank

SPEAKER_VECTOR_SIZE = 20_480


@dataclass(frozen=True)
class SpeakerNetworkSizes:
    """Sizes of ERes2NetV2; the defaults are those of the file that GPT-SoVITS v2Pro uses."""

    n_mels: int = 80
    channels: int = 64
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    base_width: int = 24
    scale: int = 4
    expansion: int = 4
    embedding_size: int = 192

    @property
    def vector_size(self) -> int:
        """Last feature map: 8 × channels × expansion channels of n_mels / 8 rows."""
        return 8 * self.channels * self.expansion * (self.n_mels // 8)


class AttentiveFusion(nn.Module):
    """Weighs two maps against each other: x · a + y · (2 − a), with a = 1 + tanh(local attention)."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        inner = channels // reduction
        self.local_att = nn.Sequential(
            nn.Conv2d(2 * channels, inner, 1),
            nn.BatchNorm2d(inner),
            nn.SiLU(),
            nn.Conv2d(inner, channels, 1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:  # [B, C, F, T] twice
        weight = 1.0 + torch.tanh(self.local_att(torch.cat((x, y), dim=1)))
        return x * weight + y * (2.0 - weight)


class Res2Block(nn.Module):
    """Bottleneck whose middle is split into ``scale`` groups, each of which sees the one before it.

    Layers 1 and 2 add the previous group; layers 3 and 4 fuse it attentively.
    """

    def __init__(
        self, in_channels: int, planes: int, stride: int, sizes: SpeakerNetworkSizes, fused: bool
    ) -> None:
        super().__init__()
        width, out_channels = planes * sizes.base_width // 64, planes * sizes.expansion
        self.conv1 = nn.Conv2d(in_channels, width * sizes.scale, 1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width * sizes.scale)
        self.convs = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(sizes.scale)
        )
        self.bns = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(sizes.scale))
        self.fuse_models = nn.ModuleList(AttentiveFusion(width) for _ in range(sizes.scale - 1) if fused)
        self.conv3 = nn.Conv2d(width * sizes.scale, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:  # [B, C, F, T]
        groups = _capped_relu(self.bn1(self.conv1(x))).chunk(len(self.convs), dim=1)
        done: list[Tensor] = []
        for i, (conv, norm) in enumerate(zip(self.convs, self.bns, strict=True)):
            group = groups[i] if i == 0 else self._joined(i, done[-1], groups[i])
            done.append(_capped_relu(norm(conv(group))))
        out = self.bn3(self.conv3(torch.cat(done, dim=1)))
        return _capped_relu(out + self.shortcut(x))

    def _joined(self, index: int, previous: Tensor, group: Tensor) -> Tensor:
        if len(self.fuse_models) == 0:
            return previous + group
        fused: Tensor = self.fuse_models[index - 1](previous, group)
        return fused


class SpeakerNetwork(nn.Module):
    """Mel features [B, T, n_mels] → speaker vector [B, vector_size] (20480 at the original sizes).

    ``name`` is what a voice remembers of its weights.
    """

    name = "eres2netv2"

    def __init__(self, sizes: SpeakerNetworkSizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes = sizes or SpeakerNetworkSizes()
        base = sizes.channels
        self.conv1 = nn.Conv2d(1, base, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(base)
        self.layer1 = _stage(base, 0, sizes)
        self.layer2 = _stage(base * sizes.expansion, 1, sizes)
        self.layer3 = _stage(2 * base * sizes.expansion, 2, sizes)
        self.layer4 = _stage(4 * base * sizes.expansion, 3, sizes)
        last = 8 * base * sizes.expansion
        self.layer3_ds = nn.Conv2d(last // 2, last, 3, padding=1, stride=2, bias=False)
        self.fuse34 = AttentiveFusion(last)

    def forward(self, mels: Tensor) -> Tensor:
        vector: Tensor = self.feature_map(mels).mean(dim=-1)
        return vector

    def feature_map(self, mels: Tensor) -> Tensor:
        """Mel features [B, T, n_mels] → [B, vector_size, T / 8], before anything is pooled."""
        x = functional.relu(self.bn1(self.conv1(mels.transpose(1, 2)[:, None])))
        third = self.layer3(self.layer2(self.layer1(x)))
        fused = self.fuse34(self.layer4(third), self.layer3_ds(third))  # [B, C, F / 8, T / 8]
        flat: Tensor = fused.flatten(1, 2)
        return flat

    @torch.inference_mode()
    def speaker_vector(self, samples: Samples) -> Samples:
        """Speaker vector [vector_size] of a 16 kHz wave [n_samples]."""
        mels = torch.from_numpy(kaldi_fbank(samples, self.sizes.n_mels))
        vector: Samples = self(mels[None])[0].numpy()
        return vector


def load_speaker_network(path: str | Path, sizes: SpeakerNetworkSizes | None = None) -> SpeakerNetwork:
    """The network from the user's ``pretrained_eres2netv2w24s4ep4.ckpt``; nothing in the file is executed."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    weights = unpickle_zip(bytearray(content), path)
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise CheckpointError(f"{path}: expected a table of tensors, the weights of ERes2NetV2.")
    network = speaker_network_from_weights(weights, sizes, str(path))
    network.name = f"{path.stem}@{hashlib.sha256(content).hexdigest()[:12]}"
    return network


def speaker_network_from_weights(
    weights: Mapping[str, Tensor],
    sizes: SpeakerNetworkSizes | None = None,
    source: str = "the speaker network",
) -> SpeakerNetwork:
    """Build the network from a state dict; raises CheckpointError that lists every key that does not fit."""
    with torch.device("meta"):
        network = SpeakerNetwork(sizes)
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    expected |= _projection_shapes(network.sizes)
    faults = list(_faults(weights, expected))
    if faults:
        raise CheckpointError(
            f"{source}: not the weights of ERes2NetV2 (expected pretrained_eres2netv2w24s4ep4.ckpt), "
            f"{len(faults)} faults:\n  " + "\n  ".join(faults[:40])
        )
    own = {key: weights[key].float() if weights[key].is_floating_point() else weights[key] for key in weights}
    network.load_state_dict({key: own[key] for key in network.state_dict()}, assign=True)
    return network.eval().requires_grad_(False)


def _stage(in_channels: int, index: int, sizes: SpeakerNetworkSizes) -> nn.Sequential:
    """Blocks of one resolution: stage 0 keeps it, the others halve it; the last two fuse attentively."""
    planes = sizes.channels * 2**index
    inputs = [in_channels] + [planes * sizes.expansion] * (sizes.blocks[index] - 1)
    strides = [1 if index == 0 else 2] + [1] * (sizes.blocks[index] - 1)
    return nn.Sequential(
        *(Res2Block(i, planes, s, sizes, fused=index >= 2) for i, s in zip(inputs, strides, strict=True))
    )


def _projection_shapes(sizes: SpeakerNetworkSizes) -> dict[str, tuple[int, ...]]:
    """The file's last projection: pooled mean and deviation → embedding. Unused by GPT-SoVITS."""
    return {
        "seg_1.weight": (sizes.embedding_size, 2 * sizes.vector_size),
        "seg_1.bias": (sizes.embedding_size,),
    }


def _faults(weights: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    for key in sorted(expected.keys() | weights.keys()):
        if key not in weights:
            yield f"missing {key} {list(expected[key])}"
        elif key not in expected:
            yield f"unexpected {key}"
        elif tuple(weights[key].shape) != expected[key]:
            yield f"{key}: expected {list(expected[key])}, found {list(weights[key].shape)}"


def _capped_relu(x: Tensor) -> Tensor:
    """ERes2Net caps its activations at 20; only the stem's is a plain ReLU."""
    return x.clamp(0.0, 20.0)
