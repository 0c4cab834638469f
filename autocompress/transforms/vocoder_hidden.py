"""Hidden widths of a vocoder that predicts spectra: its blocks' linear pairs hold most of its weights."""

from autocompress.models.config import IstftConfig, SovitsConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import number, wholes
from autocompress.transforms.importance import Importance
from autocompress.transforms.removal import keep_strongest
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.units import vocoder_units
from autocompress.transforms.weights import State

_DECISION = "sovits.vocoder.hidden"


class VocoderHidden(Technique[SovitsConfig]):
    """sovits.vocoder.hidden: how many features every block keeps between its two layers."""

    name = "sovits.vocoder.hidden"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        vocoder = config.istft or config.spare
        return wholes(candidate, {_DECISION: max(vocoder.hidden)} if vocoder else {})

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        return config if config.istft is None else config.with_vocoder(_narrowed(config.istft, candidate))

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        after = self.sizes(model.config, candidate, importance).istft
        assert after is not None, "nothing changes of another vocoder"
        counts = {f"{_DECISION}.{i}": hidden for i, hidden in enumerate(after.hidden)}
        keep_strongest(state, vocoder_units(model.config), counts, importance)


def _narrowed(vocoder: IstftConfig, candidate: Candidate) -> IstftConfig:
    return vocoder.with_hidden([number(candidate, _DECISION, hidden) for hidden in vocoder.hidden])
