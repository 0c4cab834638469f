"""The dependency graph of the two networks: which rows and columns belong to one removable unit.

A group is a set of alike units (the heads of a layer, the channels of a vocoder stage). Removing a unit
removes its rows in every producer and its columns in every consumer. Residual streams, gated halves, weight
norm and the fused query-key-value projection are all said here and nowhere else.
"""

from dataclasses import dataclass

from autocompress.models.config import (
    BlockSize,
    GptConfig,
    IstftConfig,
    SovitsConfig,
    VocoderConfig,
    WaveNetSize,
)

ENCODERS = {"ssl": "encoder_ssl", "text": "encoder_text", "encoder2": "encoder2"}
"""The space's names of the prior's encoders → the modules' names inside enc_p."""


@dataclass(frozen=True)
class Rows:
    """The units' rows of a module start at ``start``. ``scored``: without them the unit gives nothing."""

    path: str
    start: int = 0
    scored: bool = True


@dataclass(frozen=True)
class UnitGroup:
    """``count`` units of ``width`` features each; ``consumers`` read nothing but these units."""

    name: str
    count: int
    producers: tuple[Rows, ...]
    consumers: tuple[str, ...]
    width: int = 1


def gpt_units(config: GptConfig) -> list[UnitGroup]:
    """Heads and FFN neurons of every block: gpt.heads.{l}, gpt.ffn.{l}."""
    return [g for i, size in enumerate(config.blocks) for g in (_gpt_heads(i, size), *_gpt_ffn(i, size))]


def sovits_units(config: SovitsConfig) -> list[UnitGroup]:
    """Heads and FFN of the prior, channels of the flow and of the vocoder, and of a spare one."""
    prior = [g for name in ENCODERS for g in prior_units(config, name)]
    flow = [g for i, size in enumerate(config.couplings) if size.layers for g in coupling_units(i, size)]
    spare = [] if config.spare is None else istft_units(config.spare, "spare")
    return [*prior, *flow, *vocoder_units(config), *spare]


def _gpt_heads(layer: int, size: BlockSize) -> UnitGroup:
    at, inner = f"h.layers.{layer}.self_attn", size.attention
    qkv = (
        Rows(f"{at}.in_proj", 0, False),
        Rows(f"{at}.in_proj", inner, False),
        Rows(f"{at}.in_proj", 2 * inner),
    )
    return UnitGroup(f"gpt.heads.{layer}", size.heads, qkv, (f"{at}.out_proj",), size.head_size)


def _gpt_ffn(layer: int, size: BlockSize) -> list[UnitGroup]:
    at = f"h.layers.{layer}"
    first, second = ("linear1", "linear2") if size.rank is None else ("linear1.up", "linear2.down")
    return [UnitGroup(f"gpt.ffn.{layer}", size.ffn, (Rows(f"{at}.{first}"),), (f"{at}.{second}",))]


def prior_blocks(config: SovitsConfig, encoder: str) -> tuple[BlockSize, ...]:
    prior = config.prior
    return {"ssl": prior.ssl_blocks, "text": prior.text_blocks, "encoder2": prior.joint_blocks}[encoder]


def prior_units(config: SovitsConfig, encoder: str) -> list[UnitGroup]:
    """sovits.prior.{encoder}.heads.{i} and .ffn.{i}. All heads share the relative embeddings."""
    groups = []
    for i, size in enumerate(prior_blocks(config, encoder)):
        at, name = f"enc_p.{ENCODERS[encoder]}", f"sovits.prior.{encoder}"
        attention, ffn = f"{at}.attn_layers.{i}", f"{at}.ffn_layers.{i}"
        qkv = (
            Rows(f"{attention}.conv_q", 0, False),
            Rows(f"{attention}.conv_k", 0, False),
            Rows(f"{attention}.conv_v"),
        )
        groups += [
            UnitGroup(f"{name}.heads.{i}", size.heads, qkv, (f"{attention}.conv_o",), size.head_size),
            UnitGroup(f"{name}.ffn.{i}", size.ffn, (Rows(f"{ffn}.conv_1"),), (f"{ffn}.conv_2",)),
        ]
    return groups


def coupling_units(coupling: int, size: WaveNetSize) -> list[UnitGroup]:
    """sovits.flow.{stream,skip}.{k} and .gate.{k}.{l}: three kinds of channels, not the same ones.

    Each layer's output holds first what it adds to the residual stream, then what it adds to the skips; the
    last layer has only the second. Each gate is a pair of halves, tanh and sigmoid.
    """
    at, name, hidden, layers = f"flow.flows.{2 * coupling}", "sovits.flow", size.hidden, range(size.layers)
    last = size.layers - 1
    res_skip = [f"{at}.enc.res_skip_layers.{i}" for i in layers]
    stream = UnitGroup(
        f"{name}.stream.{coupling}",
        hidden,
        (Rows(f"{at}.pre"), *(Rows(path) for path in res_skip[:last])),
        tuple(f"{at}.enc.in_layers.{i}" for i in layers),
    )
    skips = tuple(Rows(path, 0 if i == last else hidden) for i, path in enumerate(res_skip))
    gates = [_gate(at, f"{name}.gate.{coupling}.{i}", hidden, i) for i in layers]
    return [stream, UnitGroup(f"{name}.skip.{coupling}", hidden, skips, (f"{at}.post",)), *gates]


def _gate(at: str, name: str, hidden: int, layer: int) -> UnitGroup:
    convolution, condition, first = f"{at}.enc.in_layers.{layer}", f"{at}.enc.cond_layer", 2 * hidden * layer
    rows = (
        Rows(convolution),
        Rows(convolution, hidden, False),
        Rows(condition, first),
        Rows(condition, first + hidden, False),
    )
    return UnitGroup(name, hidden, rows, (f"{at}.enc.res_skip_layers.{layer}",))


def vocoder_units(config: SovitsConfig) -> list[UnitGroup]:
    """The groups of whichever vocoder it is."""
    vocoder = config.vocoder
    return istft_units(vocoder, "dec") if isinstance(vocoder, IstftConfig) else _hifigan_units(vocoder)


def istft_units(vocoder: IstftConfig, at: str) -> list[UnitGroup]:
    """sovits.vocoder.hidden.{i}: the hidden features of block i; the module is ``at`` "dec" or "spare"."""
    return [
        UnitGroup(
            f"sovits.vocoder.hidden.{i}",
            hidden,
            (Rows(f"{at}.blocks.{i}.expand"),),
            (f"{at}.blocks.{i}.contract",),
        )
        for i, hidden in enumerate(vocoder.hidden)
    ]


def _hifigan_units(vocoder: VocoderConfig) -> list[UnitGroup]:
    """sovits.vocoder.pre, .channels.{s} (a stage's stream) and .inner.{key}.{d} (inside its blocks)."""
    pre = (Rows("dec.conv_pre"), Rows("dec.cond"))
    groups = [UnitGroup("sovits.vocoder.pre", vocoder.channels, pre, ("dec.ups.0",))]
    last = len(vocoder.stages) - 1
    for s, stage in enumerate(vocoder.stages):
        pairs = [(key, d) for key in block_keys(vocoder, s) for d in range(len(vocoder.dilations))]
        first = [f"dec.resblocks.{key}.convs1.{d}" for key, d in pairs]
        second = [f"dec.resblocks.{key}.convs2.{d}" for key, d in pairs]
        following = "dec.conv_post" if s == last else f"dec.ups.{s + 1}"
        stream = (Rows(f"dec.ups.{s}"), *(Rows(path) for path in second))
        groups.append(UnitGroup(f"sovits.vocoder.channels.{s}", stage.channels, stream, (*first, following)))
        for (key, d), convolution, closing in zip(pairs, first, second, strict=True):
            name = f"sovits.vocoder.inner.{key}.{d}"
            groups.append(UnitGroup(name, stage.channels, (Rows(convolution),), (closing,)))
    return groups


def block_keys(vocoder: VocoderConfig, stage: int) -> list[int]:
    """Numbers of the residual blocks that a vocoder stage keeps, in the order of their kernels."""
    numbered = vocoder.resblock_kernels
    kept = vocoder.stages[stage].resblock_kernels
    return [len(numbered) * stage + numbered.index(kernel) for kernel in kept]
