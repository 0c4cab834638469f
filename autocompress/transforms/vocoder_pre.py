"""Channels before the vocoder's first upsampling: latent and condition meet in them."""

from dataclasses import replace

from autocompress.models.config import SovitsConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import number, wholes
from autocompress.transforms.importance import Importance
from autocompress.transforms.removal import keep_strongest
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.units import vocoder_units
from autocompress.transforms.weights import State

_DECISION = "sovits.vocoder.pre"


class VocoderPre(Technique[SovitsConfig]):
    """sovits.vocoder.pre: how many channels stay."""

    name = "sovits.vocoder.pre"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        return wholes(candidate, {_DECISION: config.hifigan.channels} if config.hifigan else {})

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        if (vocoder := config.hifigan) is None:
            return config
        return config.with_vocoder(replace(vocoder, channels=number(candidate, _DECISION, vocoder.channels)))

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        after = self.sizes(model.config, candidate, importance).hifigan
        assert after is not None, "nothing changes of another vocoder"
        counts = {_DECISION: after.channels}
        keep_strongest(state, vocoder_units(model.config), counts, importance)
