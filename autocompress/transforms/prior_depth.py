"""Depth of the prior's encoders: the blocks whose heads and channels matter least go."""

from autocompress.models.config import SovitsConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import number, wholes
from autocompress.transforms.importance import Importance
from autocompress.transforms.prior_blocks import changed_blocks
from autocompress.transforms.removal import strongest_layers
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.units import ENCODERS, prior_blocks
from autocompress.transforms.weights import State, keep_items

_LISTS = ("attn_layers", "norm_layers_1", "ffn_layers", "norm_layers_2")


class PriorDepth(Technique[SovitsConfig]):
    """sovits.prior.{encoder}.depth: how many blocks stay. Applied after heads and FFN."""

    name = "sovits.prior.depth"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        return wholes(candidate, {_name(encoder): len(prior_blocks(config, encoder)) for encoder in ENCODERS})

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        kept = {encoder: _kept(config, candidate, importance, encoder) for encoder in ENCODERS}
        return changed_blocks(config, lambda name, index, block: block if index in kept[name] else None)

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        for encoder in ENCODERS:
            for name in _LISTS:
                kept = _kept(model.config, candidate, importance, encoder)
                keep_items(state, f"enc_p.{ENCODERS[encoder]}.{name}", kept)


def _kept(
    config: SovitsConfig, candidate: Candidate, importance: Importance, encoder: str
) -> tuple[int, ...]:
    total = len(prior_blocks(config, encoder))
    return strongest_layers(importance, _groups(encoder, total), number(candidate, _name(encoder), total))


def _name(encoder: str) -> str:
    return f"sovits.prior.{encoder}.depth"


def _groups(encoder: str, blocks: int) -> list[list[str]]:
    return [[f"sovits.prior.{encoder}.{kind}.{i}" for kind in ("heads", "ffn")] for i in range(blocks)]
