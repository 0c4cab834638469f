"""Each technique alone at five strengths, as the decisions of a candidate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.space import Candidate, Value, round_width, spread_layers
from autocompress.transforms import teacher_dimensions

REMOVED = (0.125, 0.25, 0.375, 0.5, 0.75)
STORAGES = ("fp16", "int8", "int4")


@dataclass(frozen=True)
class Point:
    """One technique at one strength: the share that goes, or the name of a storage."""

    technique: str
    half: str
    strength: str
    candidate: Candidate


def points(gpt: GptConfig, sovits: SovitsConfig) -> Iterator[Point]:
    """All points; strengths that round to the same widths appear once."""
    for technique, decide in _techniques(gpt, sovits).items():
        seen = set()
        for removed in REMOVED:
            candidate = Candidate(decide(1 - removed))
            if candidate.values and candidate.id not in seen:
                seen.add(candidate.id)
                yield Point(technique, technique.split(".")[0], f"{removed:g}", candidate)
    for name, roles in _roles(gpt).items():
        for storage in STORAGES:
            yield Point(name, name.split(".")[1], storage, Candidate(dict.fromkeys(roles, storage)))


def _techniques(gpt: GptConfig, sovits: SovitsConfig) -> dict[str, Callable[[float], dict[str, Value]]]:
    sizes, layers = teacher_dimensions(gpt, sovits), range(len(gpt.blocks))

    def whole(name: str, dimension: str, multiple: int = 1) -> Callable[[float], dict[str, Value]]:
        own = sizes[dimension]
        assert isinstance(own, int)

        def decide(kept: float) -> dict[str, Value]:
            width = round_width(kept * own, multiple, own)
            return {name: width} if width < own else {}

        return decide

    def per_layer(
        name: str, of: Callable[[int], int], multiple: int = 1
    ) -> Callable[[float], dict[str, Value]]:
        return lambda kept: {
            f"{name}.{i}": w for i in layers if (w := round_width(kept * of(i), multiple, of(i))) < of(i)
        }

    def depth(kept: float) -> dict[str, Value]:
        stay = spread_layers(max(1, round(kept * len(layers))), len(layers))
        return {f"gpt.keep.{i}": False for i in layers if i not in stay}

    def stages(kept: float) -> dict[str, Value]:
        own = [stage.channels for stage in sovits.upstream_vocoder.stages]
        widths = [round_width(kept * width, 4, width) for width in own]
        return {f"sovits.vocoder.channels.{s}": w for s, w in enumerate(widths) if w < own[s]}

    techniques = {
        "gpt.depth": depth,
        "gpt.heads": per_layer("gpt.heads", lambda i: gpt.blocks[i].heads),
        "gpt.ffn": per_layer("gpt.ffn", lambda i: gpt.blocks[i].ffn, 16),
        "gpt.rank": per_layer("gpt.rank", lambda _: gpt.width, 16),
        "sovits.vocoder.channels": stages,
        "sovits.vocoder.pre": whole("sovits.vocoder.pre", "sovits.vocoder.pre", 16),
        "sovits.vocoder.kernels": lambda kept: _kernels(sovits, kept),
    }
    if sovits.spare is not None:
        swapped: dict[str, Value] = {"sovits.vocoder.module": "istft-head"}
        narrow = whole("sovits.vocoder.hidden", "sovits.vocoder.hidden", 32)
        techniques["sovits.vocoder.module"] = lambda _: swapped
        techniques["sovits.vocoder.hidden"] = lambda kept: swapped | narrow(kept)
    for what, multiple in (("couplings", 1), ("wn_layers", 1), ("channels", 8)):
        techniques[f"sovits.flow.{what}"] = whole(f"sovits.flow.{what}", f"sovits.flow.{what}", multiple)
    for encoder in ("ssl", "text", "encoder2"):
        at = f"sovits.prior.{encoder}"
        techniques[f"{at}.depth"] = whole(f"{at}.depth", f"{at}.layers")
        techniques[f"{at}.heads"] = whole(f"{at}.heads", "sovits.prior.heads")
        techniques[f"{at}.ffn"] = whole(f"{at}.ffn", "sovits.prior.ffn", 16)
    return techniques


def _kernels(sovits: SovitsConfig, kept: float) -> dict[str, Value]:
    """Long kernels of the last stages go first, for there the time is spent; the shortest of each stays."""
    stages = [sorted(stage.resblock_kernels) for stage in sovits.upstream_vocoder.stages]
    blocks = [(s, kernel) for s, kernels in enumerate(stages) for kernel in kernels[1:]]
    order = sorted(blocks, key=lambda block: (-block[0], -block[1]))
    gone = set(order[: round((1 - kept) * len(blocks))])
    rest = {s: [k for k in kernels if (s, k) not in gone] for s, kernels in enumerate(stages)}
    return {f"sovits.vocoder.kernels.{s}": "-".join(map(str, rest[s])) for s, _ in gone}


def _roles(gpt: GptConfig) -> dict[str, list[str]]:
    layers = range(len(gpt.blocks))
    grouped = {f"storage.gpt.{p}": [f"storage.gpt.{p}.{i}" for i in layers] for p in ("attention", "ffn")}
    single = ["storage.gpt.embedding", "storage.gpt.head"]
    single += [f"storage.sovits.{part}" for part in ("embedding", "prior", "flow", "vocoder")]
    return grouped | {name: [name] for name in single}
