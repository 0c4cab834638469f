"""Which vocoder turns latents into audio: the teacher's own, or the spare that was trained to stand in."""

from dataclasses import replace

from autocompress.models.config import SovitsConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import one_of
from autocompress.transforms.importance import Importance
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.weights import State, drop_prefixes, rename_prefix

_DECISION = "sovits.vocoder.module"
HIFIGAN, ISTFT = "hifigan", "istft-head"


class VocoderModule(Technique[SovitsConfig]):
    """sovits.vocoder.module: "hifigan" leaves the teacher's, "istft-head" puts its spare in the place."""

    name = "sovits.vocoder.module"

    def requires(self, config: SovitsConfig, candidate: Candidate) -> list[str]:
        faults = one_of(candidate, [_DECISION], (HIFIGAN, ISTFT))
        if takes_spare(candidate) and config.spare is None and config.istft is None:
            faults.append(
                f"{_DECISION}={ISTFT!r}: this teacher has no spare vocoder; train one with "
                "`autocompress model train-vocoder` and give it as --vocoder"
            )
        return faults

    def sizes(self, config: SovitsConfig, candidate: Candidate, importance: Importance) -> SovitsConfig:
        if not takes_spare(candidate) or config.spare is None:
            return config
        return replace(config, vocoder=config.spare, spare=None)

    def call(
        self, state: State, model: Model[SovitsConfig], candidate: Candidate, importance: Importance
    ) -> None:
        drop_prefixes(state, ["dec"])
        rename_prefix(state, "spare", "dec")


def takes_spare(candidate: Candidate) -> bool:
    return candidate.get(_DECISION, HIFIGAN) == ISTFT
