"""Seconds by component: prefill, all steps, prior, flow, vocoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autocompress.hardware.prediction import Prediction
from autocompress.metrics.cost import gpt_parts, sovits_parts
from autocompress.metrics.cost.operators import WEIGHT_BYTES
from autocompress.metrics.cost.part_costs import PartCosts, Seconds, at_footprint
from autocompress.metrics.cost.student_sizes import StudentSizes
from autocompress.metrics.cost.weights import stored_weights
from autocompress.metrics.cost.workload import SpeechWorkload
from autocompress.models.config import BlockSize, IstftConfig, VocoderConfig
from autocompress.space import Candidate

COMPONENTS = ("prefill", "step", "prior", "flow", "vocoder")
_BYTES_OF_KEY_AND_VALUE = 8.0  # fp32, whatever the weights are
_FIRST_WINDOW_FRAMES = 50  # of the vocoder, when speech is streamed: one second


@dataclass(frozen=True)
class Latency:
    """``by_component`` holds whole shares (all steps together)."""

    by_component: Mapping[str, Prediction]
    total: Prediction
    first_audio: Prediction


def component_latencies(
    sizes: StudentSizes, candidate: Candidate, costs: PartCosts, work: SpeechWorkload, *, bert: bool
) -> Latency:
    """Latency of the reference workload on the device of ``costs``."""
    parts = _Parts(sizes, candidate, costs, work)
    reach, step = parts.reach(), parts.step()
    medians = {
        "prefill": at_footprint(parts.prefill(bert=bert), reach.sentence),
        "step": (work.tokens - 1) * at_footprint(step, reach.step) + at_footprint(step, reach.sentence),
        "prior": at_footprint(parts.prior(), reach.sentence),
        "flow": at_footprint(parts.flow(), reach.sentence),
        "vocoder": at_footprint(parts.vocoder(), reach.sentence),
    }
    early = 1.0 - min(1.0, _FIRST_WINDOW_FRAMES / work.frames)
    total = sum(medians.values())
    return Latency(
        {name: _predicted(value, costs) for name, value in medians.items()},
        _predicted(total, costs),
        _predicted(total - early * medians["vocoder"], costs),
    )


@dataclass(frozen=True)
class _Reach:
    """Bytes touched between two uses of a weight: they decide which cache, if any, still holds it.

    A step finds what the step before it left; what runs once a sentence has everything else in between.
    """

    step: float
    sentence: float


@dataclass(frozen=True)
class _Parts:
    """One candidate against one device: which parts it is made of."""

    sizes: StudentSizes
    candidate: Candidate
    costs: PartCosts
    work: SpeechWorkload

    def reach(self) -> _Reach:
        """Weights as wide as kernels read them; prefill and step have each their own of the GPT."""
        totals = {"gpt": 0.0, "sovits": 0.0}
        for tensor in stored_weights(self.sizes, bert=False):
            if not tensor.role.endswith(".embedding"):
                width = WEIGHT_BYTES[self._precision(tensor.role)]
                totals[tensor.role.split(".")[0]] += tensor.numbers * width
        keys = sum(block.attention for block in self.sizes.gpt.blocks) * self.work.cached_positions
        step = totals["gpt"] + _BYTES_OF_KEY_AND_VALUE * keys
        return _Reach(step, step + totals["gpt"] + totals["sovits"])

    def prefill(self, *, bert: bool) -> Seconds:
        gpt, work = self.sizes.gpt, self.work
        rows = work.phonemes + work.prompt_tokens
        bert_width = gpt.bert_width if bert else 0
        shape = (gpt.width, gpt.semantic_vocab, bert_width, len(gpt.blocks))
        pieces = [
            self.costs.seconds(gpt_parts.prefill_ends, *shape, work.phonemes, work.prompt_tokens),
            self.costs.seconds(gpt_parts.choosing, gpt.semantic_vocab),
        ]
        *others, (block, first, second) = self._blocks()
        for other, attention, ffn in others:
            lengths = (work.phonemes, work.prompt_tokens)
            pieces += [
                self.costs.seconds(gpt_parts.prefill_attention, gpt.width, other, *lengths, attention),
                self.costs.seconds(gpt_parts.ffn, gpt.width, other.ffn, other.rank, rows, ffn),
            ]
        return _sum([
            *pieces,
            self.costs.seconds(gpt_parts.last_attention, gpt.width, block, rows, first),
            self.costs.seconds(gpt_parts.ffn, gpt.width, block.ffn, block.rank, 1, second),
        ])  # fmt: skip

    def step(self) -> Seconds:
        gpt, cached = self.sizes.gpt, self.work.cached_positions
        pieces = [
            self.costs.seconds(gpt_parts.step_ends, gpt.width, gpt.semantic_vocab, len(gpt.blocks)),
            self.costs.seconds(gpt_parts.choosing, gpt.semantic_vocab),
        ]
        for block, first, second in self._blocks():
            pieces.append(self.costs.seconds(gpt_parts.step_attention, gpt.width, block, cached, first))
            pieces.append(self.costs.seconds(gpt_parts.ffn, gpt.width, block.ffn, block.rank, 1, second))
        return _sum(pieces)

    def prior(self) -> Seconds:
        config, work, precision = self.sizes.sovits, self.work, self._precision("sovits.prior")
        prior, target = config.prior, work.target_phonemes
        meeting = (config.hidden, prior.mrte, work.frames, target, precision)
        pieces = [
            self.costs.seconds(
                sovits_parts.prior_ends, config.hidden, config.inter, work.frames, target, precision
            ),
            self.costs.seconds(sovits_parts.meeting, *meeting),
        ]
        for rows, blocks in (
            (work.frames, prior.ssl_blocks),
            (target, prior.text_blocks),
            (work.frames, prior.joint_blocks),
        ):
            heads = blocks[0].heads if blocks else 1
            pieces.append(self.costs.seconds(sovits_parts.relative_positions, rows, heads))
            for block in blocks:
                shape = (config.hidden, block, prior.kernel, prior.window, rows, precision)
                pieces.append(self.costs.seconds(sovits_parts.encoder_block, *shape))
        return _sum(pieces)

    def flow(self) -> Seconds:
        config, frames, precision = self.sizes.sovits, self.work.frames, self._precision("sovits.flow")
        shapes = [(config.inter, config.gin, size, frames, precision) for size in config.couplings]
        return _sum([self.costs.seconds(sovits_parts.coupling, *shape) for shape in shapes])

    def vocoder(self) -> Seconds:
        vocoder = self.sizes.sovits.vocoder
        return self._istft(vocoder) if isinstance(vocoder, IstftConfig) else self._hifigan(vocoder)

    def _istft(self, vocoder: IstftConfig) -> Seconds:
        config, precision = self.sizes.sovits, self._precision("sovits.vocoder")
        frames, fine = self.work.frames, self.work.frames * vocoder.rate
        ends = (vocoder, config.inter, config.gin, frames, precision)
        lengths = [*[frames] * len(vocoder.coarse), *[fine] * len(vocoder.fine)]
        blocks = [
            (vocoder.width, hidden, vocoder.kernel, rows, precision)
            for hidden, rows in zip(vocoder.hidden, lengths, strict=True)
        ]
        return _sum([
            self.costs.seconds(sovits_parts.spectral_ends, *ends),
            *[self.costs.seconds(sovits_parts.spectral_block, *block) for block in blocks],
        ])  # fmt: skip

    def _hifigan(self, vocoder: VocoderConfig) -> Seconds:
        config, precision = self.sizes.sovits, self._precision("sovits.vocoder")
        channels, positions = vocoder.channels, self.work.frames
        front = (channels, config.inter, config.gin, positions, precision)
        pieces = [self.costs.seconds(sovits_parts.vocoder_front, *front)]
        for stage in vocoder.stages:
            shape = (channels, stage, len(vocoder.dilations), positions, precision)
            pieces.append(self.costs.seconds(sovits_parts.vocoder_stage, *shape))
            channels, positions = stage.channels, positions * stage.rate
        pieces.append(self.costs.seconds(sovits_parts.vocoder_back, channels, positions, precision))
        return _sum(pieces)

    def _blocks(self) -> list[tuple[BlockSize, str, str]]:
        """Each GPT block with what its attention and its FFN multiply in."""
        return [
            (block, self._precision(f"gpt.attention.{layer}"), self._precision(f"gpt.ffn.{layer}"))
            for layer, block in zip(self.sizes.layers, self.sizes.gpt.blocks, strict=True)
        ]

    def _precision(self, role: str) -> str:
        """What the kernels of a role multiply in.

        Half precision is costed as fp32: ONNX Runtime's CPU provider, which profiles speak of, widens it.
        Convolutions that quantize on the way (ConvInteger) are far slower than those of quantized graphs.
        """
        if self.candidate.get(f"compute.{role}", "fp32") != "dynamic-int8":
            return "fp32"
        if role.startswith("sovits"):
            return "int8_dynamic"
        return "int4" if self.candidate.get(f"storage.{role}", "fp32") == "int4" else "int8"


def _sum(pieces: Sequence[Seconds]) -> Seconds:
    return np.asarray(np.sum(pieces, axis=0))


def _predicted(median_s: float, costs: PartCosts) -> Prediction:
    return Prediction.from_log_sigma(median_s, costs.log_sigma, costs.kind)
