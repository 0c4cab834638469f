"""The sizes of a candidate's networks, from the teacher's and the decisions: what costs are counted from.

The transforms leave networks of exactly these sizes (tested against them). Which of several like layers stays
does not change what the layers cost; where a teacher's layers differ, evenly spread ones are assumed.
"""

from dataclasses import dataclass, replace

from autocompress.models.config import (
    BlockSize,
    GptConfig,
    IstftConfig,
    SovitsConfig,
    VocoderConfig,
    WaveNetSize,
)
from autocompress.space import Candidate, spread_layers


@dataclass(frozen=True)
class StudentSizes:
    """Both networks' sizes; ``layers`` are the teacher's indices of the GPT layers that stay."""

    gpt: GptConfig
    sovits: SovitsConfig
    layers: tuple[int, ...]


def student_sizes(gpt: GptConfig, sovits: SovitsConfig, candidate: Candidate) -> StudentSizes:
    """Sizes of the student that ``candidate`` makes of these teachers."""
    layers = tuple(i for i in range(len(gpt.blocks)) if candidate.get(f"gpt.keep.{i}", True))
    blocks = tuple(_gpt_block(gpt, i, candidate) for i in layers)
    return StudentSizes(replace(gpt, blocks=blocks), _sovits(sovits, candidate), layers)


def _gpt_block(config: GptConfig, layer: int, candidate: Candidate) -> BlockSize:
    own = config.blocks[layer]
    heads = _kept(candidate, f"gpt.heads.{layer}", own.heads)
    ffn = _kept(candidate, f"gpt.ffn.{layer}", own.ffn)
    full = min(config.width, ffn)
    rank = own.rank if own.rank is not None else _kept(candidate, f"gpt.rank.{layer}", full)
    return BlockSize(heads, own.head_size, ffn, rank if rank < full or own.rank is not None else None)


def _sovits(config: SovitsConfig, candidate: Candidate) -> SovitsConfig:
    prior = config.prior
    shrunk = replace(
        prior,
        ssl_blocks=_encoder(prior.ssl_blocks, "ssl", candidate),
        text_blocks=_encoder(prior.text_blocks, "text", candidate),
        joint_blocks=_encoder(prior.joint_blocks, "encoder2", candidate),
    )
    return replace(
        config,
        prior=shrunk,
        couplings=_couplings(config.couplings, candidate),
        vocoder=_vocoder(config, candidate),
    )


def _encoder(blocks: tuple[BlockSize, ...], name: str, candidate: Candidate) -> tuple[BlockSize, ...]:
    start = f"sovits.prior.{name}"
    depth = _kept(candidate, f"{start}.depth", len(blocks))
    kept = spread_layers(depth, len(blocks)) if blocks else ()
    return tuple(
        replace(
            blocks[i],
            heads=_kept(candidate, f"{start}.heads", blocks[i].heads),
            ffn=_kept(candidate, f"{start}.ffn", blocks[i].ffn),
        )
        for i in sorted(kept)
    )


def _couplings(sizes: tuple[WaveNetSize, ...], candidate: Candidate) -> tuple[WaveNetSize, ...]:
    live = [i for i, size in enumerate(sizes) if size.layers > 0]
    count = _kept(candidate, "sovits.flow.couplings", len(live))
    kept = {live[i] for i in spread_layers(count, len(live))} if live else set()
    return tuple(
        replace(
            size,
            hidden=_kept(candidate, "sovits.flow.channels", size.hidden),
            layers=_kept(candidate, "sovits.flow.wn_layers", size.layers) if i in kept else 0,
        )
        for i, size in enumerate(sizes)
    )


def _vocoder(config: SovitsConfig, candidate: Candidate) -> VocoderConfig | IstftConfig:
    spare = config.spare if candidate.get("sovits.vocoder.module", "hifigan") == "istft-head" else None
    chosen = spare or config.vocoder
    if isinstance(chosen, IstftConfig):
        hidden = (_kept(candidate, "sovits.vocoder.hidden", own) for own in chosen.hidden)
        return chosen.with_hidden(tuple(hidden))
    return _hifigan(chosen, candidate)


def _hifigan(config: VocoderConfig, candidate: Candidate) -> VocoderConfig:
    stages = tuple(
        replace(
            stage,
            channels=_kept(candidate, f"sovits.vocoder.channels.{s}", stage.channels),
            resblock_kernels=_kernels(candidate, s, stage.resblock_kernels),
        )
        for s, stage in enumerate(config.stages)
    )
    pre = _kept(candidate, "sovits.vocoder.pre", config.channels)
    return replace(config, channels=pre, stages=stages)


def _kernels(candidate: Candidate, stage: int, own: tuple[int, ...]) -> tuple[int, ...]:
    words = candidate.get(f"sovits.vocoder.kernels.{stage}", "-".join(map(str, own)))
    kept = {int(word) for word in str(words).split("-") if word}
    return tuple(kernel for kernel in own if kernel in kept)


def _kept(candidate: Candidate, name: str, own: int) -> int:
    return min(int(candidate.get(name, own)), own)
