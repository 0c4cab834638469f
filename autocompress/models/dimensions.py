"""A teacher's sizes as the plain mapping that a search space is resolved against."""

from collections.abc import Sequence

from autocompress.errors import SpaceError
from autocompress.models.config import GptConfig, SovitsConfig, VocoderConfig

Sizes = int | Sequence[int]


def teacher_dimensions(gpt: GptConfig, sovits: SovitsConfig) -> dict[str, Sizes]:
    """Dimension → size; a list where layers differ, the largest where the space has one number for all."""
    return gpt_dimensions(gpt) | sovits_dimensions(sovits)


def gpt_dimensions(config: GptConfig) -> dict[str, Sizes]:
    return {
        "gpt.layers": len(config.blocks),
        "gpt.width": config.width,
        "gpt.heads": _common([block.heads for block in config.blocks]),
        "gpt.ffn": _common([block.ffn for block in config.blocks]),
    }


def sovits_dimensions(config: SovitsConfig) -> dict[str, Sizes]:
    prior = config.prior
    blocks = (*prior.ssl_blocks, *prior.text_blocks, *prior.joint_blocks)
    live = [size for size in config.couplings if size.layers > 0]
    if not blocks or not live:
        raise SpaceError(
            f"A teacher needs prior-encoder blocks and flow couplings, found {len(blocks)} and {len(live)}. "
            "Search from the model that this one was made from."
        )
    return {
        "sovits.prior.ssl.layers": len(prior.ssl_blocks),
        "sovits.prior.text.layers": len(prior.text_blocks),
        "sovits.prior.encoder2.layers": len(prior.joint_blocks),
        "sovits.prior.heads": max(block.heads for block in blocks),
        "sovits.prior.ffn": max(block.ffn for block in blocks),
        "sovits.flow.couplings": len(live),
        "sovits.flow.wn_layers": max(size.layers for size in live),
        "sovits.flow.channels": max(size.hidden for size in live),
        **_vocoder_dimensions(config),
    }


def _vocoder_dimensions(config: SovitsConfig) -> dict[str, Sizes]:
    """Of the teacher's own, and of its spare where it has one."""
    vocoder, spare = config.hifigan, config.istft or config.spare
    if vocoder is None:
        raise SpaceError(
            "A teacher needs upstream's vocoder. Search from the model that this one was made from."
        )
    own: dict[str, Sizes] = {
        "sovits.vocoder.pre": vocoder.channels,
        "sovits.vocoder.channels": [stage.channels for stage in vocoder.stages],
        "sovits.vocoder.kernels": _shared_kernels(vocoder),
    }
    return own if spare is None else own | {"sovits.vocoder.hidden": max(spare.hidden)}


def _shared_kernels(vocoder: VocoderConfig) -> list[int]:
    """Kernels that every stage still has, for the space offers the same choice at each."""
    return [k for k in vocoder.resblock_kernels if all(k in s.resblock_kernels for s in vocoder.stages)]


def _common(sizes: list[int]) -> Sizes:
    return sizes[0] if len(set(sizes)) == 1 else sizes
