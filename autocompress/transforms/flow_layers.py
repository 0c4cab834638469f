"""WaveNet layers of the flow's couplings: the least important ones go, with their slice of the condition."""

from dataclasses import replace

import torch

from autocompress.models.config import SovitsConfig, WaveNetSize
from autocompress.space import Candidate
from autocompress.transforms.decisions import number, wholes
from autocompress.transforms.flow_couplings import live_couplings
from autocompress.transforms.importance import Importance
from autocompress.transforms.removal import strongest_layers
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.weights import State, keep_items, keep_rows

_DECISION = "sovits.flow.wn_layers"


class FlowLayers(Technique[SovitsConfig]):
    """sovits.flow.wn_layers: how many stay in every coupling. Applied after the flow's channels."""

    name = "sovits.flow.wn_layers"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        return wholes(candidate, {_DECISION: max((size.layers for size in config.couplings), default=1)})

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        sizes = (replace(size, layers=number(candidate, _DECISION, size.layers)) for size in config.couplings)
        return replace(config, couplings=tuple(sizes))

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        for coupling in live_couplings(model.config):
            size = model.config.couplings[coupling]
            groups = [[f"sovits.flow.gate.{coupling}.{i}"] for i in range(size.layers)]
            kept = strongest_layers(importance, groups, number(candidate, _DECISION, size.layers))
            if len(kept) < size.layers:
                _keep_layers(state, f"flow.flows.{2 * coupling}.enc", size, kept)


def _keep_layers(state: State, at: str, size: WaveNetSize, kept: tuple[int, ...]) -> None:
    """A layer that becomes the last one gives to the skips alone: nobody reads the stream after it."""
    hidden, last = size.hidden, kept[-1]
    if last != size.layers - 1:
        keep_rows(state, f"{at}.res_skip_layers.{last}", torch.arange(hidden, 2 * hidden))
    condition = [2 * hidden * layer + i for layer in kept for i in range(2 * hidden)]
    keep_rows(state, f"{at}.cond_layer", torch.tensor(condition))
    keep_items(state, f"{at}.in_layers", kept)
    keep_items(state, f"{at}.res_skip_layers", kept)
