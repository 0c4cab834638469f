"""FFN width of the prior's encoders: the least important channels between its two convolutions go."""

from dataclasses import replace

from autocompress.models.config import BlockSize, SovitsConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import number, wholes
from autocompress.transforms.importance import Importance
from autocompress.transforms.prior_blocks import changed_blocks, most
from autocompress.transforms.removal import keep_strongest
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.units import ENCODERS, prior_blocks, prior_units
from autocompress.transforms.weights import State


class PriorFfn(Technique[SovitsConfig]):
    """sovits.prior.{encoder}.ffn: the width of every block of that encoder."""

    name = "sovits.prior.ffn"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        width = most(config, lambda block: block.ffn)
        return wholes(candidate, {f"sovits.prior.{encoder}.ffn": width for encoder in ENCODERS})

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        def narrower(encoder: str, _: int, block: BlockSize) -> BlockSize:
            return replace(block, ffn=number(candidate, f"sovits.prior.{encoder}.ffn", block.ffn))

        return changed_blocks(config, narrower)

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        after = self.sizes(model.config, candidate, importance)
        for encoder in ENCODERS:
            blocks = prior_blocks(after, encoder)
            counts = {f"sovits.prior.{encoder}.ffn.{i}": block.ffn for i, block in enumerate(blocks)}
            keep_strongest(state, prior_units(model.config, encoder), counts, importance)
