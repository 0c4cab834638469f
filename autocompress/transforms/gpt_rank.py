"""Low rank: each of a layer's two FFN matrices becomes the product of two thinner ones, by SVD."""

from dataclasses import replace

import torch

from autocompress.models.config import GptConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import indexed, wholes
from autocompress.transforms.importance import Importance
from autocompress.transforms.reconstruction import steadied
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.weights import INPUTS, State

_MANY = (
    1 << 20
)  # samples: the moment was steadied before, and only a rank that is too high could make it singular


class GptRank(Technique[GptConfig]):
    """gpt.rank.{l}: the rank of both matrices; the full rank leaves the layer dense.

    With a calibration set the error counts as the matrix's output shows it over that set (as in Wang et al.
    2025, "SVD-LLM"): directions that its inputs never take need no rank.
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
                    _factor(state, f"h.layers.{i}.{name}", block.rank)


def _factor(state: State, path: str, rank: int) -> None:
    weight = state.pop(f"{path}.weight").double()  # [outputs, inputs]
    seen = state.pop(f"{path}{INPUTS}", None)
    moment = torch.eye(weight.shape[1], dtype=weight.dtype) if seen is None else seen.double()
    root = torch.linalg.cholesky(moment)  # of what is read: ‖(W − W') root‖ is the error of the output
    u, s, v = torch.linalg.svd(weight @ root, full_matrices=False)
    share = s[:rank].sqrt()
    down = torch.linalg.solve_triangular(root, share.unsqueeze(1) * v[:rank], upper=False, left=False)
    state[f"{path}.down.weight"] = down.float()
    state[f"{path}.up.weight"] = (u[:, :rank] * share).float()
    state[f"{path}.up.bias"] = state.pop(f"{path}.bias")
    if seen is not None:
        state[f"{path}.down{INPUTS}"] = seen
        between = down @ moment @ down.t()
        state[f"{path}.up{INPUTS}"] = steadied(between.float(), samples=_MANY)
