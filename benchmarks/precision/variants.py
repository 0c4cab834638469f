"""The precisions that are compared: one part at a time, the rest in fp32."""

from collections.abc import Sequence
from dataclasses import dataclass

from autocompress.transforms.onnx_precision import PrecisionPlan

GPT_PARTS = ("gpt",)
SOVITS_PARTS = ("sovits.embedding", "sovits.prior", "sovits.flow", "sovits.vocoder")
STORAGES = ("fp16", "int8", "int4")
COMPUTED = ("int8", "int4")  # storages that an integer kernel can read
_COMPUTING = {"gpt": ("gpt.attention", "gpt.ffn"), "sovits.embedding": ()}


@dataclass(frozen=True)
class Variant:
    """``part`` "-" is the whole of a network at fp32."""

    part: str
    storage: str = "fp32"
    compute: str = "fp32"

    @property
    def name(self) -> str:
        return f"{self.part}-{self.storage}-{self.compute}"

    @property
    def weight_only(self) -> bool:
        return self.storage != "fp32" and self.compute == "fp32"

    @property
    def plan(self) -> PrecisionPlan:
        if self.part == "-":
            return PrecisionPlan()
        inner = _COMPUTING.get(self.part, (self.part,))
        computed = dict.fromkeys(inner, self.compute) if self.compute != "fp32" else {}
        return PrecisionPlan({self.part: self.storage}, computed)


FP32 = Variant("-")


def variants(parts: Sequence[str]) -> list[Variant]:
    """fp32 first, then every precision of every part."""
    chosen = [FP32]
    for part in parts:
        chosen += [Variant(part, storage) for storage in STORAGES]
        if _COMPUTING.get(part, (part,)):
            chosen += [Variant(part, storage, "dynamic-int8") for storage in COMPUTED]
    return chosen
