"""Depth of the GPT: drop the layers that the candidate names; the others keep their weights and order."""

from dataclasses import replace

from autocompress.models.config import GptConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import indexed
from autocompress.transforms.importance import Importance
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.weights import State, keep_items

_PER_LAYER = ("gpt.heads", "gpt.ffn", "gpt.rank")
_PRECISIONS = ("storage.gpt.attention", "storage.gpt.ffn", "compute.gpt.attention", "compute.gpt.ffn")


def kept_layers(config: GptConfig, candidate: Candidate) -> tuple[int, ...]:
    """The teacher's indices of the layers that stay, in order."""
    gone = {layer for layer, keep in indexed(candidate, "gpt.keep").items() if keep is False}
    return tuple(i for i in range(len(config.blocks)) if i not in gone)


class GptDepth(Technique[GptConfig]):
    """gpt.keep.{l} = False. Applied last, so that the other decisions find their layers."""

    name = "gpt.keep"

    def requires(self, config: GptConfig, candidate: Candidate) -> list[str]:
        kept = indexed(candidate, "gpt.keep")
        faults = [
            f"gpt.keep.{i}={v!r} is neither true nor false"
            for i, v in kept.items()
            if not isinstance(v, bool)
        ]
        if not kept_layers(config, candidate):
            faults.append(f"all {len(config.blocks)} GPT layers are dropped; at least one must stay")
        gone = [layer for layer, keep in kept.items() if keep is False]
        orphans = [
            f"{p}.{i}" for i in gone for p in (*_PER_LAYER, *_PRECISIONS) if f"{p}.{i}" in candidate.values
        ]
        return faults + [f"{name} decides about a layer that is dropped" for name in orphans]

    def sizes(self, config: GptConfig, candidate: Candidate, importance: Importance) -> GptConfig:
        return replace(config, blocks=tuple(config.blocks[i] for i in kept_layers(config, candidate)))

    def call(
        self, state: State, model: Model[GptConfig], candidate: Candidate, importance: Importance
    ) -> None:
        keep_items(state, "h.layers", kept_layers(model.config, candidate))
