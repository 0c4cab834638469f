"""Residual blocks of the vocoder's stages, by kernel: a stage is the mean of the blocks that stay.

Every block is an estimate of the same next signal, x plus its own residual, so the mean of fewer blocks has
the right scale as it is: the network divides by the number that stays. A sum would have to be scaled.
"""

from dataclasses import replace

from autocompress.models.config import SovitsConfig, StageSize
from autocompress.space import Candidate, Value
from autocompress.transforms.decisions import indexed
from autocompress.transforms.importance import Importance
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.units import block_keys
from autocompress.transforms.weights import State, drop_prefixes

_DECISION = "sovits.vocoder.kernels"


class VocoderKernels(Technique[SovitsConfig]):
    """sovits.vocoder.kernels.{s}: the kernels that stay, as "3-7"."""

    name = "sovits.vocoder.kernels"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        stages = config.hifigan.stages if config.hifigan else ()
        return [
            f"{_DECISION}.{s}={value!r}: the teacher's stage has the kernels "
            f"{'-'.join(map(str, stages[s].resblock_kernels)) or 'none'}; name some of them"
            for s, value in indexed(candidate, _DECISION).items()
            if s < len(stages) and not _fits(value, stages[s])
        ]

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        if (vocoder := config.hifigan) is None:
            return config
        chosen = indexed(candidate, _DECISION)
        stages = list(vocoder.stages)
        for s in chosen:
            kept = _kernels(chosen[s]) or ()
            own = stages[s].resblock_kernels
            stages[s] = replace(stages[s], resblock_kernels=tuple(k for k in own if k in kept))
        return config.with_vocoder(replace(vocoder, stages=tuple(stages)))

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        before, after = model.config.hifigan, self.sizes(model.config, candidate, importance).hifigan
        assert before is not None and after is not None, "nothing changes of another vocoder"
        for s in range(len(after.stages)):
            gone = set(block_keys(before, s)) - set(block_keys(after, s))
            drop_prefixes(state, [f"dec.resblocks.{key}" for key in gone])


def _fits(value: Value, stage: StageSize) -> bool:
    kernels = _kernels(value)
    return bool(kernels) and set(kernels or ()) <= set(stage.resblock_kernels)


def _kernels(value: Value) -> tuple[int, ...] | None:
    """ "3-7" → (3, 7); None when it is not such a list."""
    parts = value.split("-") if isinstance(value, str) else []
    return tuple(map(int, parts)) if parts and all(part.isdecimal() for part in parts) else None
