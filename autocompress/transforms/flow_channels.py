"""Channels of the flow's WaveNets: residual stream, skips and each layer's gates each lose their weakest."""

from dataclasses import replace

from autocompress.models.config import SovitsConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import number, wholes
from autocompress.transforms.flow_couplings import live_couplings
from autocompress.transforms.importance import Importance
from autocompress.transforms.removal import keep_strongest
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.units import coupling_units
from autocompress.transforms.weights import State

_DECISION = "sovits.flow.channels"


class FlowChannels(Technique[SovitsConfig]):
    """sovits.flow.channels: the WaveNets' width. Which channels stay may differ from group to group."""

    name = "sovits.flow.channels"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        widths = [config.couplings[i].hidden for i in live_couplings(config)]
        return wholes(candidate, {_DECISION: max(widths, default=1)})

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        sizes = (
            replace(size, hidden=number(candidate, _DECISION, size.hidden)) if size.layers else size
            for size in config.couplings
        )
        return replace(config, couplings=tuple(sizes))

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        for i in live_couplings(model.config):
            groups = coupling_units(i, model.config.couplings[i])
            width = number(candidate, _DECISION, model.config.couplings[i].hidden)
            keep_strongest(state, groups, {group.name: width for group in groups}, importance)
