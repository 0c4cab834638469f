"""Channels of the vocoder's stages: a stage's blocks share its stream; inside each they may differ."""

from dataclasses import replace

from autocompress.models.config import SovitsConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import number, wholes
from autocompress.transforms.importance import Importance
from autocompress.transforms.removal import keep_strongest
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.units import block_keys, vocoder_units
from autocompress.transforms.weights import State

_DECISION = "sovits.vocoder.channels"


class VocoderChannels(Technique[SovitsConfig]):
    """sovits.vocoder.channels.{s}: width of the stream after upsampling s, and inside its residual blocks."""

    name = "sovits.vocoder.channels"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        stages = config.hifigan.stages if config.hifigan else ()
        return wholes(candidate, {f"{_DECISION}.{s}": stage.channels for s, stage in enumerate(stages)})

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        if (vocoder := config.hifigan) is None:
            return config
        stages = (
            replace(stage, channels=number(candidate, f"{_DECISION}.{s}", stage.channels))
            for s, stage in enumerate(vocoder.stages)
        )
        return config.with_vocoder(replace(vocoder, stages=tuple(stages)))

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        after = self.sizes(model.config, candidate, importance).hifigan
        assert after is not None, "nothing changes of another vocoder"
        counts: dict[str, int] = {}
        for s, stage in enumerate(after.stages):
            counts[f"{_DECISION}.{s}"] = stage.channels
            for key in block_keys(after, s):
                pairs = range(len(after.dilations))
                counts |= {f"sovits.vocoder.inner.{key}.{d}": stage.channels for d in pairs}
        keep_strongest(state, vocoder_units(model.config), counts, importance)
