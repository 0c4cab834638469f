"""Unstructured L1: set the smallest weights of each matrix to zero. For experiments: it gives no speed.

The matrices keep their shape and no runtime that this package exports to skips zeros, so neither seconds nor
stored bytes change. It shows only how much redundancy there is.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from autocompress.space import Candidate
from autocompress.transforms.importance import Importance
from autocompress.transforms.technique import C, Model, Technique
from autocompress.transforms.weights import INPUTS, State, effective_weight, put_weight

_NEVER = ("embedding", "codebook", "ar_predict_layer", "emb_rel", INPUTS)


@dataclass(frozen=True)
class UnstructuredL1(Technique[C]):
    """``prune_ratio`` of every matrix's weights become 0; embeddings and prediction head are left alone."""

    prune_ratio: float
    name: ClassVar[str] = "experimental.l1"
    gives_speed: ClassVar[bool] = False

    def requires(self, config: C, candidate: Candidate) -> list[str]:
        inside = 0 <= self.prune_ratio <= 1
        return [] if inside else [f"prune_ratio={self.prune_ratio} is not between 0 and 1"]

    def sizes(self, config: C, candidate: Candidate, importance: Importance) -> C:
        return config

    def changes(self, config: C, candidate: Candidate) -> bool:
        return self.prune_ratio > 0

    def call(self, state: State, model: Model[C], candidate: Candidate, importance: Importance) -> None:
        for path in _matrices(state):
            weight = effective_weight(state, path)
            gone = round(self.prune_ratio * weight.numel())
            if gone:
                smallest = torch.argsort(weight.abs().flatten(), stable=True)[:gone]
                put_weight(state, path, weight.flatten().index_fill(0, smallest, 0.0).reshape(weight.shape))


def _matrices(state: State) -> list[str]:
    keys = [key for key, tensor in state.items() if tensor.dim() >= 2 and not any(n in key for n in _NEVER)]
    paths = [key.removesuffix("_weight").removesuffix(".weight").removesuffix(".weight_v") for key in keys]
    return [path for path, key in zip(paths, keys, strict=True) if not key.endswith("weight_g")]
