"""Low rank: each of a layer's two FFN matrices becomes the product of two thinner ones, by SVD."""

from dataclasses import replace

import torch
from torch import Tensor

from autocompress.models.config import GptConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import indexed, wholes
from autocompress.transforms.importance import Importance
from autocompress.transforms.removal import strongest
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.weights import State


class GptRank(Technique[GptConfig]):
    """gpt.rank.{l}: the rank of both matrices; the full rank leaves the layer dense.

    With a calibration set the error is weighed by each input's root mean square (as in ASVD, Yuan et al.
    2023), since features that are nearly always zero need no rank.
    """

    name = "gpt.rank"

    def requires(self, config: GptConfig, candidate: Candidate) -> list[str]:
        low = [i for i, block in enumerate(config.blocks) if block.rank is not None]
        faults = [
            f"gpt.rank.{i}: the teacher's layer is of low rank already"
            for i in indexed(candidate, "gpt.rank")
            if i in low
        ]
        return faults + wholes(candidate, {f"gpt.rank.{i}": config.width for i in range(len(config.blocks))})

    def sizes(self, config: GptConfig, candidate: Candidate, importance: Importance) -> GptConfig:
        ranks = indexed(candidate, "gpt.rank")
        blocks = list(config.blocks)
        for i, rank in ranks.items():
            if isinstance(rank, int) and rank < min(config.width, blocks[i].ffn):
                blocks[i] = replace(blocks[i], rank=rank)
        return replace(config, blocks=tuple(blocks))

    def call(
        self, state: State, model: Model[GptConfig], candidate: Candidate, importance: Importance
    ) -> None:
        for i, block in enumerate(self.sizes(model.config, candidate, importance).blocks):
            if block.rank is not None and model.config.blocks[i].rank is None:
                for name in ("linear1", "linear2"):
                    path = f"h.layers.{i}.{name}"
                    _factor(state, path, block.rank, _input_energy(path, i, block.ffn, importance))


def _input_energy(path: str, layer: int, ffn: int, importance: Importance) -> Tensor | None:
    """E[x²] of what the matrix reads, of those neurons alone that stayed."""
    energy = importance.mean_squares.get(path)
    if energy is None or not path.endswith("linear2") or len(energy) == ffn:
        return energy
    return energy[list(strongest(importance.scores[f"gpt.ffn.{layer}"], ffn))]


def _factor(state: State, path: str, rank: int, energy: Tensor | None) -> None:
    weight = state.pop(f"{path}.weight").double()  # [outputs, inputs]
    scale = torch.ones(weight.shape[1], dtype=weight.dtype) if energy is None else _scale(energy)
    u, s, v = torch.linalg.svd(weight * scale, full_matrices=False)
    root = s[:rank].sqrt()
    state[f"{path}.down.weight"] = (root.unsqueeze(1) * v[:rank] / scale).float()
    state[f"{path}.up.weight"] = (u[:, :rank] * root).float()
    state[f"{path}.up.bias"] = state.pop(f"{path}.bias")


def _scale(energy: Tensor) -> Tensor:
    """Root mean squares, none below a thousandth of the largest: an input that was silent may yet speak."""
    root = energy.double().sqrt()
    return root.clamp(min=max(float(root.max()) * 1e-3, 1e-12))
