"""A stand-in evaluator with the shape of the real one: for tests, and for trying samplers in seconds.

Sizes and times are counted from GPT-SoVITS' own layer shapes; quality is made up, but with what makes the
real one hard: layers of unequal sensitivity, parts that hurt more together than apart, and noise.
"""

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from autocompress.objectives import Measurement
from autocompress.space import Candidate
from autocompress.study.evaluation import Evaluation, Rung

REFERENCE_DIMENSIONS: dict[str, int | list[int]] = {
    "gpt.layers": 6,
    "gpt.heads": 8,
    "gpt.ffn": 1024,
    "gpt.width": 256,
    "sovits.prior.ssl.layers": 3,
    "sovits.prior.text.layers": 6,
    "sovits.prior.encoder2.layers": 3,
    "sovits.prior.heads": 2,
    "sovits.prior.ffn": 768,
    "sovits.flow.couplings": 4,
    "sovits.flow.wn_layers": 4,
    "sovits.flow.channels": 192,
    "sovits.vocoder.pre": 256,
    "sovits.vocoder.channels": [128, 64, 32, 16, 8],
    "sovits.vocoder.kernels": [3, 7, 11],
}
FULL_DIMENSIONS: dict[str, int | list[int]] = REFERENCE_DIMENSIONS | {
    "gpt.layers": 24,
    "gpt.heads": 16,
    "gpt.ffn": 2048,
    "gpt.width": 512,
    "sovits.vocoder.pre": 512,
    "sovits.vocoder.channels": [256, 128, 64, 32, 16],
}
_BITS = {"fp32": 32.0, "fp16": 16.0, "int8": 8.25, "int4": 4.25}
_STORAGE_LOSS = {"fp32": 0.0, "fp16": 0.002, "int8": 0.12, "int4": 1.0}
_COMPUTE_SPEED = {"fp32": 1.0, "fp16-device": 0.6, "dynamic-int8": 0.45}
_UPSAMPLING = (10, 8, 2, 2, 2)


@dataclass(frozen=True)
class Part:
    """Parameters, multiply-adds for the workload, and the role whose precision applies."""

    role: str
    parameters: float
    macs: float


@dataclass(frozen=True)
class SyntheticEvaluator:
    """``seed`` makes another model; ``slow`` a slower device; ``delay_s`` a slower evaluation."""

    dimensions: Mapping[str, int | Sequence[int]] = field(default_factory=lambda: dict(REFERENCE_DIMENSIONS))
    seed: int = 0
    slow: float = 1.0
    noise: float = 0.03
    delay_s: float = 0.0

    def __call__(self, candidate: Candidate, rung: Rung, seed: int) -> Evaluation:
        if rung == "free":
            return self._free(candidate)
        time.sleep(self.delay_s)
        loss = self.quality_loss(candidate) * self._jitter(candidate, rung, seed)
        if rung == "distillation":
            loss *= 0.3
        return Evaluation.of(
            Measurement("quality_loss", loss, 0.9 * loss, 1.1 * loss, "measured"),
            Measurement("sid", min(2.0, 0.3 * loss), 0.25 * loss, min(2.0, 0.35 * loss) + 1e-9, "measured")
            if rung != "divergence"
            else Measurement("divergence", loss, 0.9 * loss, 1.1 * loss, "measured"),
        )

    def quality_loss(self, candidate: Candidate) -> float:
        """Zero for the teacher; components add up, and hurt more when several are hurt."""
        gpt = sum(self._layer_loss(candidate, i) for i in range(self._own("gpt.layers")))
        gpt += 0.3 * _STORAGE_LOSS[str(candidate.get("storage.gpt.head", "fp32"))]
        gpt += 0.1 * _STORAGE_LOSS[str(candidate.get("storage.gpt.embedding", "fp32"))]
        prior, flow, vocoder = (
            self._prior_loss(candidate),
            self._flow_loss(candidate),
            self._vocoder_loss(candidate),
        )
        crossed = 0.6 * math.sqrt(gpt * prior) + 0.8 * flow * vocoder + 0.5 * gpt**1.5
        return float(3.0 * (1.0 - math.exp(-(gpt + prior + flow + vocoder + crossed) / 3.0)))

    def parts(self, candidate: Candidate) -> list[Part]:
        """Every part with weights, as the candidate leaves it."""
        return [*self._gpt_parts(candidate), *self._prior_parts(candidate), *self._sound_parts(candidate)]

    def _free(self, candidate: Candidate) -> Evaluation:
        size, latency = 0.0, 0.0
        for part in self.parts(candidate):
            bits = _BITS[str(candidate.get(f"storage.{part.role}", "fp32"))]
            speed = _COMPUTE_SPEED[str(candidate.get(f"compute.{part.role}", "fp32"))]
            size += part.parameters * bits / 8e6
            latency += self.slow * (part.macs / 4e9 * speed + part.parameters * bits / 8e9 * 0.05)
        memory = 60.0 + 1.3 * size
        return Evaluation.of(
            Measurement.exact("size_mb", size),
            Measurement("latency_s", latency, 0.9 * latency, 1.1 * latency, "estimated"),
            Measurement("memory_mb", memory, 0.95 * memory, 1.05 * memory, "estimated"),
        )

    def _gpt_parts(self, candidate: Candidate) -> list[Part]:
        d, ffn, heads = (self._own(f"gpt.{n}") for n in ("width", "ffn", "heads"))
        parts = [Part("gpt.embedding", 1757 * d, 0.0), Part("gpt.head", 1025 * d, 102500.0 * d)]
        for i in range(self._own("gpt.layers")):
            if candidate.get(f"gpt.keep.{i}", True) is False:
                continue
            attention = 4.0 * d * d * float(candidate.get(f"gpt.heads.{i}", heads)) / heads
            width, rank = float(candidate.get(f"gpt.ffn.{i}", ffn)), float(candidate.get(f"gpt.rank.{i}", d))
            dense = 2.0 * d * width if rank >= d else 2.0 * rank * (d + width)
            parts.append(Part(f"gpt.attention.{i}", attention, 235.0 * attention))
            parts.append(Part(f"gpt.ffn.{i}", dense, 235.0 * dense))
        return parts

    def _prior_parts(self, candidate: Candidate) -> list[Part]:
        parts = [Part("sovits.embedding", 1.5e6, 0.0)]
        for name, frames in (("ssl", 200), ("text", 60), ("encoder2", 200)):
            depth = float(
                candidate.get(f"sovits.prior.{name}.depth", self._own(f"sovits.prior.{name}.layers"))
            )
            width = float(candidate.get(f"sovits.prior.{name}.ffn", self._own("sovits.prior.ffn")))
            heads = float(candidate.get(f"sovits.prior.{name}.heads", 2)) / 2.0
            weights = depth * (4 * 192 * 192 * heads + 6 * 192 * width)
            parts.append(Part("sovits.prior", weights, frames * weights))
        return parts

    def _sound_parts(self, candidate: Candidate) -> list[Part]:
        couplings = float(candidate.get("sovits.flow.couplings", self._own("sovits.flow.couplings")))
        layers = float(candidate.get("sovits.flow.wn_layers", self._own("sovits.flow.wn_layers")))
        width = float(candidate.get("sovits.flow.channels", self._own("sovits.flow.channels")))
        flow = couplings * (layers * 12.0 * width * width + 192 * width)
        before = float(candidate.get("sovits.vocoder.pre", self._own("sovits.vocoder.pre")))
        parts = [
            Part("sovits.flow", flow, 200 * flow),
            Part("sovits.vocoder", 7 * 192 * before, 200 * 1344 * before),
        ]
        frames = 200.0
        for stage, own in enumerate(self._stages):
            width = float(candidate.get(f"sovits.vocoder.channels.{stage}", own))
            kernels = [
                int(k) for k in str(candidate.get(f"sovits.vocoder.kernels.{stage}", "3-7-11")).split("-")
            ]
            rate = _UPSAMPLING[stage % 5]
            frames *= rate
            up, blocks = before * width * 2 * rate, 6.0 * width * width * sum(kernels)
            parts.append(Part("sovits.vocoder", up + blocks, frames * (up / rate + blocks)))
            before = width
        return parts

    def _layer_loss(self, candidate: Candidate, layer: int) -> float:
        weight = self._sensitivity(f"gpt.{layer}", 0.15, 0.8)
        if candidate.get(f"gpt.keep.{layer}", True) is False:
            return weight
        ffn, d, heads = (self._own(f"gpt.{n}") for n in ("ffn", "width", "heads"))
        cut = 1.0 - float(candidate.get(f"gpt.ffn.{layer}", ffn)) / ffn
        thin = 1.0 - float(candidate.get(f"gpt.rank.{layer}", d)) / d
        blind = 1.0 - float(candidate.get(f"gpt.heads.{layer}", heads)) / heads
        loss = 0.5 * cut**2 + 0.6 * thin**2 + 0.7 * blind**1.5 + 0.5 * cut * blind
        loss += 0.25 * _STORAGE_LOSS[str(candidate.get(f"storage.gpt.attention.{layer}", "fp32"))]
        loss += 0.2 * _STORAGE_LOSS[str(candidate.get(f"storage.gpt.ffn.{layer}", "fp32"))] * (1 + cut)
        for role in ("attention", "ffn"):
            loss += 0.03 * (candidate.get(f"compute.gpt.{role}.{layer}", "fp32") == "dynamic-int8")
        return float(weight * loss)

    def _prior_loss(self, candidate: Candidate) -> float:
        loss = 0.15 * _STORAGE_LOSS[str(candidate.get("storage.sovits.prior", "fp32"))]
        loss += 0.02 * (candidate.get("compute.sovits.prior", "fp32") == "dynamic-int8")
        for name in ("ssl", "text", "encoder2"):
            total = self._own(f"sovits.prior.{name}.layers")
            gone = 1.0 - float(candidate.get(f"sovits.prior.{name}.depth", total)) / total
            cut = 1.0 - float(candidate.get(f"sovits.prior.{name}.ffn", 768.0)) / 768.0
            weight = self._sensitivity(f"prior.{name}", 0.3, 1.0)
            loss += weight * (gone + 0.4 * cut**2 + gone * cut)
        return loss

    def _flow_loss(self, candidate: Candidate) -> float:
        cut = 1.0 - float(candidate.get("sovits.flow.channels", 192)) / 192
        gone = 1.0 - float(candidate.get("sovits.flow.couplings", 4)) / 4
        thin = 1.0 - float(candidate.get("sovits.flow.wn_layers", 4)) / 4
        stored = _STORAGE_LOSS[str(candidate.get("storage.sovits.flow", "fp32"))]
        return float(1.2 * (cut**1.5 + gone + thin) + 0.3 * stored)

    def _vocoder_loss(self, candidate: Candidate) -> float:
        loss = 0.25 * _STORAGE_LOSS[str(candidate.get("storage.sovits.vocoder", "fp32"))]
        before = 0.0
        for stage, own in enumerate(self._stages):
            cut = 1.0 - float(candidate.get(f"sovits.vocoder.channels.{stage}", own)) / own
            kernels = str(candidate.get(f"sovits.vocoder.kernels.{stage}", "3-7-11"))
            weight = self._sensitivity(f"vocoder.{stage}", 0.1, 0.5)
            loss += weight * (cut**2 + 0.25 * (3 - len(kernels.split("-"))) ** 1.3 + cut * before)
            before = cut
        return loss

    def _own(self, name: str) -> int:
        """The teacher's dimension ``name``."""
        value = self.dimensions[name]
        assert isinstance(value, int), f"{name} is a list"
        return value

    @property
    def _stages(self) -> list[int]:
        value = self.dimensions["sovits.vocoder.channels"]
        assert not isinstance(value, int), "one width a stage"
        return list(value)

    def _sensitivity(self, name: str, low: float, high: float) -> float:
        return low + (high - low) * self._uniform("sensitivity", name) ** 2

    def _jitter(self, candidate: Candidate, rung: Rung, seed: int) -> float:
        """Multiplicative noise that belongs to the candidate: measured again, it is the same."""
        normal = math.sqrt(-2 * math.log(1 - self._uniform("a", candidate.id, rung, seed))) * math.cos(
            2 * math.pi * self._uniform("b", candidate.id, rung, seed)
        )
        return float(np.exp(self.noise * normal))

    def _uniform(self, *words: object) -> float:
        digest = hashlib.sha256("/".join(map(str, (self.seed, *words))).encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48
