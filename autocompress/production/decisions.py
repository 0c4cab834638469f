"""A candidate's decisions for one part of the model, in the order in which production follows them.

Whole modules go first (layers, kernels, couplings, ranks), then widths shrink step by step, then precision
narrows. After the first, layers are named by the student's own index.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from autocompress.models.config import BlockSize, GptConfig, SovitsConfig
from autocompress.space import Candidate, Value
from autocompress.transforms import gpt_part, sovits_part
from autocompress.transforms.gpt_depth import kept_layers
from autocompress.transforms.units import prior_blocks

_NARROW = ("int8", "int4", "dynamic-int8")
_LAYERED = ("gpt.heads", "gpt.ffn", "storage.gpt.attention", "storage.gpt.ffn",
            "compute.gpt.attention", "compute.gpt.ffn")  # fmt: skip
_PRECISION = ("storage", "compute")
_MODULE = "sovits.vocoder.module"
_VOCODER = ("sovits.vocoder", *(f"{kind}.sovits.vocoder" for kind in _PRECISION))


@dataclass(frozen=True)
class Width:
    """A width of the teacher and what the candidate leaves of it."""

    full: int
    target: int

    @property
    def removed(self) -> float:
        """The share that goes."""
        return 1 - self.target / self.full

    def at(self, ratio: float) -> int:
        """What is left when ``ratio`` of the teacher's width is gone; never below the target."""
        return max(self.target, math.ceil(self.full * (1 - ratio) - 1e-9))


@dataclass(frozen=True)
class Decisions:
    """``architecture`` and its ``modules`` by the teacher's layers; the others by those of the student."""

    architecture: Candidate
    modules: Candidate
    widths: Mapping[str, Width]
    precision: Candidate

    @property
    def shapes_anything(self) -> bool:
        return bool(self.architecture.values)

    @property
    def deepest(self) -> float:
        """The largest share of a width that goes."""
        return max((width.removed for width in self.widths.values()), default=0.0)

    def at(self, ratio: float) -> Candidate:
        """The widths when ``ratio`` of each teacher's width is gone, or its target where that is more."""
        return Candidate({name: width.at(ratio) for name, width in self.widths.items()})


def gpt_decisions(config: GptConfig, candidate: Candidate) -> Decisions:
    part = gpt_part(candidate)
    layers = kept_layers(config, part)
    return _decisions(
        part, ("gpt.keep", "gpt.rank"), lambda name: _gpt_size(config, name), lambda n: _own(n, layers)
    )


def front_decisions(config: SovitsConfig, candidate: Candidate) -> Decisions:
    """Of SoVITS up to the latents that its vocoder reads."""
    part = sovits_part(candidate)
    vocoder = part.part(_VOCODER).values
    return sovits_decisions(config, Candidate({n: v for n, v in part.values.items() if n not in vocoder}))


def vocoder_decisions(config: SovitsConfig, candidate: Candidate, *, new: bool = False) -> Decisions:
    """A spare vocoder that is taken as it is has learnt already, unless it is ``new``."""
    decided = candidate.part(_VOCODER)
    shaping = {name for name in decided.values if not name.startswith(_PRECISION)}
    if shaping == {_MODULE} and not new:
        decided = decided.part(_PRECISION)
    return sovits_decisions(config, decided)


def sovits_decisions(config: SovitsConfig, candidate: Candidate) -> Decisions:
    part = sovits_part(candidate)
    modules = (
        *(f"sovits.prior.{encoder}.depth" for encoder in ("ssl", "text", "encoder2")),
        "sovits.flow.couplings",
        "sovits.flow.wn_layers",
        "sovits.vocoder.kernels",
        _MODULE,
    )
    return _decisions(part, modules, lambda name: _sovits_size(config, name), lambda name: name)


def narrows(precision: Candidate, roles: tuple[str, ...]) -> bool:
    """Whether weights or activations under ``roles`` become integers."""
    named = precision.part([f"{kind}.{role}" for kind in _PRECISION for role in roles])
    return any(value in _NARROW for value in named.values.values())


def _decisions(
    part: Candidate,
    modules: tuple[str, ...],
    size: Callable[[str], int],
    own: Callable[[str], str],
) -> Decisions:
    whole, precise = part.part(modules), part.part(_PRECISION)
    rest = {n: v for n, v in part.values.items() if n not in whole.values and n not in precise.values}
    widths = {own(name): Width(size(name), int(value)) for name, value in rest.items()}
    thinner = {name: width for name, width in widths.items() if width.target < width.full}
    shaping = Candidate({n: v for n, v in part.values.items() if n not in precise.values})
    return Decisions(shaping, whole, thinner, Candidate(dict(_renamed(precise.values, own))))


def _renamed(values: Mapping[str, Value], own: Callable[[str], str]) -> Iterator[tuple[str, Value]]:
    for name, value in values.items():
        yield own(name), value


def _own(name: str, layers: tuple[int, ...]) -> str:
    """ "gpt.heads.6" → the name of the same layer in a student that keeps ``layers`` only."""
    prefix, _, index = name.rpartition(".")
    return f"{prefix}.{layers.index(int(index))}" if prefix in _LAYERED else name


def _gpt_size(config: GptConfig, name: str) -> int:
    _, kind, layer = name.split(".")
    block: BlockSize = config.blocks[int(layer)]
    return block.heads if kind == "heads" else block.ffn


def _sovits_size(config: SovitsConfig, name: str) -> int:
    parts = name.split(".")
    if parts[1] == "prior":
        blocks = prior_blocks(config, parts[2])
        return max(block.heads if parts[3] == "heads" else block.ffn for block in blocks)
    if parts[1] == "flow":
        return max(size.hidden for size in config.couplings)
    if parts[2] == "hidden":
        spectral = config.istft or config.spare
        assert spectral is not None, f"{name} was not checked"
        return max(spectral.hidden)
    hifigan = config.hifigan
    assert hifigan is not None, f"{name} was not checked"
    return hifigan.channels if parts[2] == "pre" else hifigan.stages[int(parts[3])].channels
