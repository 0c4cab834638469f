"""Couplings of the flow: the ones that shift least become the identity; their flips stay in place."""

from dataclasses import replace

from autocompress.models.config import SovitsConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import number, wholes
from autocompress.transforms.importance import Importance
from autocompress.transforms.removal import strongest_layers
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.weights import State, drop_prefixes

_DECISION = "sovits.flow.couplings"


def live_couplings(config: SovitsConfig) -> list[int]:
    """Places of the couplings that do something."""
    return [i for i, size in enumerate(config.couplings) if size.layers > 0]


class FlowCouplings(Technique[SovitsConfig]):
    """sovits.flow.couplings: how many stay. Applied after the flow's layers and channels."""

    name = "sovits.flow.couplings"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        return wholes(candidate, {_DECISION: len(live_couplings(config))})

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        gone = _removed(config, candidate, importance)
        sizes = (replace(size, layers=0) if i in gone else size for i, size in enumerate(config.couplings))
        return replace(config, couplings=tuple(sizes))

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        gone = _removed(model.config, candidate, importance)
        drop_prefixes(state, [f"flow.flows.{2 * coupling}" for coupling in gone])


def _removed(config: SovitsConfig, candidate: Candidate, importance: Importance) -> set[int]:
    live = live_couplings(config)
    groups = [[f"sovits.flow.skip.{i}"] for i in live]  # all that a coupling gives passes its skips
    kept = strongest_layers(importance, groups, number(candidate, _DECISION, len(live)))
    return set(live) - {live[i] for i in kept}
