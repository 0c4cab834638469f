"""Seconds by component: prefill, all steps, prior, flow, vocoder."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autocompress.hardware.graph import Operator
from autocompress.hardware.prediction import Prediction
from autocompress.metrics.cost import gpt_parts, sovits_parts
from autocompress.metrics.cost.part_costs import PartCosts, Seconds, at_footprint
from autocompress.metrics.cost.student_sizes import StudentSizes
from autocompress.metrics.cost.weights import stored_weights
from autocompress.metrics.cost.workload import SpeechWorkload
from autocompress.models.config import BlockSize, SovitsConfig
from autocompress.space import Candidate

COMPONENTS = ("prefill", "step", "prior", "flow", "vocoder")
_FIRST_WINDOW_FRAMES = 50  # of the vocoder, when speech is streamed: one second

Part = tuple[Hashable, Sequence[Operator]]


@dataclass(frozen=True)
class Latency:
    """``by_component`` holds whole shares (all steps together)."""

    by_component: Mapping[str, Prediction]
    total: Prediction
    first_audio: Prediction


def component_latencies(
    sizes: StudentSizes, candidate: Candidate, parts: PartCosts, work: SpeechWorkload, *, bert: bool
) -> Latency:
    """Latency of the reference workload on the device of ``parts``."""
    plan = _Plan(sizes, candidate, parts, work, bert)
    gpt_bytes, sovits_bytes = plan.footprints()
    medians = {
        "prefill": at_footprint(plan.prefill(), gpt_bytes),
        "step": work.tokens * at_footprint(plan.step(), gpt_bytes),
        "prior": at_footprint(plan.prior(), sovits_bytes),
        "flow": at_footprint(plan.flow(), sovits_bytes),
        "vocoder": at_footprint(plan.vocoder(), sovits_bytes),
    }
    early = 1.0 - min(1.0, _FIRST_WINDOW_FRAMES / work.frames)
    total = sum(medians.values())
    return Latency(
        {name: _predicted(value, parts) for name, value in medians.items()},
        _predicted(total, parts),
        _predicted(total - early * medians["vocoder"], parts),
    )


@dataclass(frozen=True)
class _Plan:
    """One candidate against one device: which parts it is made of."""

    sizes: StudentSizes
    candidate: Candidate
    costs: PartCosts
    work: SpeechWorkload
    bert: bool

    def footprints(self) -> tuple[float, float]:
        """Bytes that one run of the GPT and of SoVITS touches."""
        totals = {"gpt": 0.0, "sovits": 0.0}
        for tensor in stored_weights(self.sizes, bert=False):
            totals[tensor.role.split(".")[0]] += 4.0 * tensor.numbers
        return totals["gpt"], totals["sovits"]

    def prefill(self) -> Seconds:
        gpt, work, bert = self.sizes.gpt, self.work, self.bert
        rows = work.phonemes + work.prompt_tokens
        ends = self._ends("prefill", len(gpt.blocks), lambda: gpt_parts.prefill_ends(gpt, work, bert=bert))
        return ends + self._blocks("prefill", rows)

    def step(self) -> Seconds:
        gpt = self.sizes.gpt
        ends = self._ends("step", len(gpt.blocks), lambda: gpt_parts.step_ends(gpt))
        return ends + self._blocks("step", 1)

    def prior(self) -> Seconds:
        config, work, precision = self.sizes.sovits, self.work, self._precision("sovits.prior")
        prior = config.prior
        ends = self._ends("prior", precision, lambda: sovits_parts.prior_ends(config, work, precision))
        meeting = self._ends(
            "meeting",
            precision,
            lambda: sovits_parts.meeting(
                config.hidden, prior.mrte, work.frames, work.target_phonemes, precision
            ),
        )
        total = ends + meeting
        for rows, blocks in (
            (work.frames, prior.ssl_blocks),
            (work.target_phonemes, prior.text_blocks),
            (work.frames, prior.joint_blocks),
        ):
            total = total + self._encoder(config, rows, blocks, precision)
        return total

    def flow(self) -> Seconds:
        config, frames, precision = self.sizes.sovits, self.work.frames, self._precision("sovits.flow")
        pieces = [
            self.costs.seconds(
                ("coupling", config.inter, config.gin, size, frames, precision),
                lambda size=size: sovits_parts.coupling(config.inter, config.gin, size, frames, precision),  # type: ignore[misc]
            )
            for size in config.couplings
        ]
        return _sum(pieces)

    def vocoder(self) -> Seconds:
        config, precision = self.sizes.sovits, self._precision("sovits.vocoder")
        return _sum(
            [self.costs.seconds(key, lambda made=made: made) for key, made in self._stages(config, precision)]
        )  # type: ignore[misc]

    def _stages(self, config: SovitsConfig, precision: str) -> Iterator[Part]:
        vocoder, frames = config.vocoder, self.work.frames
        front = sovits_parts.vocoder_front(vocoder, config.inter, config.gin, frames, precision)
        yield ("front", vocoder.channels, config.inter, config.gin, frames, precision), front
        channels, positions = vocoder.channels, frames
        for stage in vocoder.stages:
            made = sovits_parts.vocoder_stage(channels, stage, len(vocoder.dilations), positions, precision)
            yield ("stage", channels, stage, len(vocoder.dilations), positions, precision), made
            channels, positions = stage.channels, positions * stage.rate
        back = sovits_parts.vocoder_back(channels, positions, precision)
        yield ("back", channels, positions, precision), back

    def _encoder(
        self, config: SovitsConfig, rows: int, blocks: tuple[BlockSize, ...], precision: str
    ) -> Seconds:
        prior = config.prior
        heads = blocks[0].heads if blocks else 1
        total = self.costs.seconds(
            ("relative", rows, heads), lambda: sovits_parts.relative_positions(rows, heads)
        )
        for block in blocks:
            shape = (config.hidden, block, prior.kernel, prior.window, rows, precision)
            total = total + self.costs.seconds(
                ("encoder", *shape),
                lambda shape=shape: sovits_parts.encoder_block(*shape),  # type: ignore[misc]
            )
        return total

    def _blocks(self, way: str, rows: int) -> Seconds:
        """All GPT blocks of one run of prefill or step."""
        width, cached = self.sizes.gpt.width, self.work.cached_positions
        total = np.zeros(1)
        for layer, block in zip(self.sizes.layers, self.sizes.gpt.blocks, strict=True):
            first, second = self._precision(f"gpt.attention.{layer}"), self._precision(f"gpt.ffn.{layer}")
            attend = (
                (lambda b=block, p=first: gpt_parts.prefill_attention(width, b, rows, p))
                if way == "prefill"
                else (lambda b=block, p=first: gpt_parts.step_attention(width, b, cached, p))
            )
            shape = (width, block.ffn, block.rank, rows, second)
            key = (way, width, block.heads, block.head_size, rows, first)
            total = total + self.costs.seconds(key, attend)  # type: ignore[arg-type]
            total = total + self.costs.seconds(("ffn", *shape), lambda s=shape: gpt_parts.ffn(*s))  # type: ignore[misc]
        return total

    def _ends(self, name: str, variant: Hashable, make: "type | object") -> Seconds:
        return self.costs.seconds((name, variant), make)  # type: ignore[arg-type]

    def _precision(self, role: str) -> str:
        """What the kernels of a role multiply in. Half precision is not costed: CPUs compute it in fp32."""
        if self.candidate.get(f"compute.{role}", "fp32") != "dynamic-int8":
            return "fp32"
        narrow = self.candidate.get(f"storage.{role}", "fp32") == "int4" and role.startswith("gpt")
        return "int4" if narrow else "int8"


def _sum(pieces: Sequence[Seconds]) -> Seconds:
    return np.asarray(np.sum(pieces, axis=0))


def _predicted(median_s: float, parts: PartCosts) -> Prediction:
    return Prediction.from_log_sigma(median_s, parts.log_sigma, parts.kind)
