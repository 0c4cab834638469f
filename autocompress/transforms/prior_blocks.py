"""What the techniques of the prior's three encoders share: their blocks inside the sizes."""

from collections.abc import Callable
from dataclasses import replace

from autocompress.models.config import BlockSize, SovitsConfig
from autocompress.transforms.units import ENCODERS, prior_blocks

Change = Callable[[str, int, BlockSize], BlockSize | None]


def changed_blocks(config: SovitsConfig, change: Change) -> SovitsConfig:
    """``change(encoder, index, block)`` over all blocks; None drops one."""

    def over(encoder: str) -> tuple[BlockSize, ...]:
        found = (change(encoder, i, block) for i, block in enumerate(prior_blocks(config, encoder)))
        return tuple(block for block in found if block is not None)

    prior = replace(
        config.prior, ssl_blocks=over("ssl"), text_blocks=over("text"), joint_blocks=over("encoder2")
    )
    return replace(config, prior=prior)


def most(config: SovitsConfig, of: Callable[[BlockSize], int]) -> int:
    """The largest size over all blocks of all encoders: what the space counts from."""
    return max((of(block) for name in ENCODERS for block in prior_blocks(config, name)), default=1)
