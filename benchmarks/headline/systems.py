"""What is compared: the teacher's own graphs, what a user would pick instead, and points of our front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.space import Candidate, Value

TEACHER = "fp32"
ALTERNATIVES: Mapping[str, str] = {
    "ort-int8": "`quantize_dynamic` of ONNX Runtime on every operator that it takes",
    "fp16": "weights stored in fp16, computed in fp32 (Genie's way)",
    "int4": "weights of every layer stored in int4, computed in fp32",
    "pruned": "every width cut alike at once, no training",
}
OUR_INT8 = "ours-int8"
_KERNELS, _CHANNELS, _WHOLE = "sovits.vocoder.kernels", "sovits.vocoder.channels", "all"
_HEAD_SIZES_KEPT, _FFN_STEP, _CHANNEL_STEP = 1, 16, 8
_ENCODERS = ("ssl", "text", "encoder2")


@dataclass(frozen=True)
class Budget:
    """A request to the search: so many times smaller and faster than the fp32 graphs."""

    smaller: float
    faster: float

    @property
    def name(self) -> str:
        return f"ours-{self.smaller:g}x"

    @classmethod
    def parse(cls, word: str) -> "Budget":
        """ "7:3" → seven times smaller, three times faster."""
        smaller, _, faster = word.partition(":")
        return cls(float(smaller), float(faster or 1))


@dataclass(frozen=True)
class Vocoder:
    """A budget's point with a lighter vocoder: kernels and channels stage by stage; trained for ``steps``."""

    budget: str  # "7.6x"
    label: str
    stages: tuple[str, ...]  # kernels that stay, and channels: "all", "3-7", "3@16", "all@96"
    steps: str

    @property
    def name(self) -> str:
        return f"ours-{self.budget}-{self.label}"

    @property
    def about(self) -> str:
        return f"`ours-{self.budget}` with a vocoder of stages {', '.join(self.stages)} (kernels@channels)"

    @classmethod
    def parse(cls, word: str) -> "Vocoder":
        """ "7.6x:light:all@96,all@48,3,3,3:40m" → narrow first stages, one kernel in the others."""
        budget, label, stages, steps = word.split(":")
        return cls(budget, label, tuple(stages.split(",")), steps)

    def of(self, point: Candidate) -> Candidate:
        """``point`` with this vocoder's sizes instead of its own."""
        own = (f"{_KERNELS}.", f"{_CHANNELS}.")
        decided = {n: value for n, value in point.values.items() if not n.startswith(own)}
        for stage, word in enumerate(self.stages):
            kernels, _, channels = word.partition("@")
            decided |= {f"{_KERNELS}.{stage}": kernels} if kernels != _WHOLE else {}
            decided |= {f"{_CHANNELS}.{stage}": int(channels)} if channels else {}
        return Candidate(decided)


@dataclass(frozen=True)
class System:
    """One row: its name, what it is, and whether it is ours."""

    name: str
    about: str
    ours: bool = False
    trained: bool = False


def systems(
    budgets: Sequence[Budget], distilled: Sequence[str], vocoders: Sequence[Vocoder] = ()
) -> list[System]:
    """Every row in the order of the table; ``distilled`` names budgets that have a second, trained row."""
    rows = [System(TEACHER, "the teacher's fp32 ONNX graphs")]
    rows += [System(name, about) for name, about in ALTERNATIVES.items()]
    rows.append(System(OUR_INT8, "weights in int8, the GPT's attention and FFN computed in int8", ours=True))
    for budget in budgets:
        asked = f"search for 1/{budget.smaller:g} of the size and 1/{budget.faster:g} of the time"
        rows.append(System(budget.name, f"{asked}, not trained", ours=True))
        if budget.name.removeprefix("ours-") in distilled:
            rows.append(System(trained_name(budget.name), f"{asked}, distilled", ours=True, trained=True))
    for one in vocoders:
        rows.append(System(one.name, f"{one.about}; not trained", ours=True))
        about = f"{one.about}; distilled: {one.steps}"
        rows.append(System(trained_name(one.name), about, ours=True, trained=True))
    return rows


def trained_name(name: str) -> str:
    """Of the second, trained row of a budget."""
    return f"{name}-distilled"


def uniform_int8(gpt: GptConfig) -> Candidate:
    """Every weight in int8 but the head (the stop token is one of its logits); integer kernels in the GPT."""
    parts = [f"gpt.{part}.{i}" for part in ("attention", "ffn") for i in range(len(gpt.blocks))]
    stored = [*parts, "gpt.embedding", *(f"sovits.{p}" for p in ("embedding", "prior", "flow", "vocoder"))]
    decided: dict[str, Value] = {f"storage.{role}": "int8" for role in stored}
    decided["storage.gpt.head"] = "fp16"
    return Candidate(decided | {f"compute.{role}": "dynamic-int8" for role in parts})


def pruned(gpt: GptConfig, sovits: SovitsConfig, share: float, storage: str) -> Candidate:
    """``share`` of every width that the pruner can cut stays; all weights in ``storage``."""
    decided: dict[str, Value] = {}
    for i, block in enumerate(gpt.blocks):
        decided[f"gpt.heads.{i}"] = max(_HEAD_SIZES_KEPT, round(share * block.heads))
        decided[f"gpt.ffn.{i}"] = _width(share, block.ffn, _FFN_STEP)
    for encoder in _ENCODERS:
        decided[f"sovits.prior.{encoder}.ffn"] = _width(share, sovits.prior.text_blocks[0].ffn, _FFN_STEP)
    decided["sovits.flow.channels"] = _width(share, sovits.couplings[0].hidden, _CHANNEL_STEP)
    decided["sovits.vocoder.pre"] = _width(share, sovits.upstream_vocoder.channels, _FFN_STEP)
    for s, stage in enumerate(sovits.upstream_vocoder.stages):
        decided[f"sovits.vocoder.channels.{s}"] = _width(share, stage.channels, _CHANNEL_STEP)
    stored = {} if storage == "fp32" else _stored(gpt, storage)
    return Candidate(decided | stored)


def _stored(gpt: GptConfig, storage: str) -> dict[str, Value]:
    whole = uniform_int8(gpt).values
    return {name: storage for name in whole if name.startswith("storage.") and name != "storage.gpt.head"}


def _width(share: float, whole: int, step: int) -> int:
    """The nearest multiple of ``step``; a width below one step stays whole."""
    return min(whole, max(min(step, whole), step * round(share * whole / step)))
