"""Attention heads of the prior's encoders. The relative position embeddings are shared by heads and stay."""

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


class PriorHeads(Technique[SovitsConfig]):
    """sovits.prior.{encoder}.heads: how many stay in every block of that encoder."""

    name = "sovits.prior.heads"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        heads = most(config, lambda block: block.heads)
        return wholes(candidate, {f"sovits.prior.{encoder}.heads": heads for encoder in ENCODERS})

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        def fewer(encoder: str, _: int, block: BlockSize) -> BlockSize:
            return replace(block, heads=number(candidate, f"sovits.prior.{encoder}.heads", block.heads))

        return changed_blocks(config, fewer)

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        after = self.sizes(model.config, candidate, importance)
        for encoder in ENCODERS:
            blocks = prior_blocks(after, encoder)
            counts = {f"sovits.prior.{encoder}.heads.{i}": block.heads for i, block in enumerate(blocks)}
            keep_strongest(state, prior_units(model.config, encoder), counts, importance)
