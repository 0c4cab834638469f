"""FFN width of the GPT: the least important neurons of a layer go, out of both matrices."""

from dataclasses import replace

from autocompress.models.config import GptConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import number, wholes
from autocompress.transforms.importance import Importance
from autocompress.transforms.removal import keep_strongest
from autocompress.transforms.technique import Model, Technique
from autocompress.transforms.units import gpt_units
from autocompress.transforms.weights import State


class GptFfn(Technique[GptConfig]):
    """gpt.ffn.{l}: how many stay."""

    name = "gpt.ffn"

    def requires(self, config: GptConfig, candidate: Candidate) -> list[str]:
        return wholes(candidate, {f"gpt.ffn.{i}": block.ffn for i, block in enumerate(config.blocks)})

    def sizes(self, config: GptConfig, candidate: Candidate, importance: Importance) -> GptConfig:
        blocks = (
            replace(block, ffn=number(candidate, f"gpt.ffn.{i}", block.ffn))
            for i, block in enumerate(config.blocks)
        )
        return replace(config, blocks=tuple(blocks))

    def call(
        self, state: State, model: Model[GptConfig], candidate: Candidate, importance: Importance
    ) -> None:
        after = self.sizes(model.config, candidate, importance)
        widths = {f"gpt.ffn.{i}": block.ffn for i, block in enumerate(after.blocks)}
        keep_strongest(state, gpt_units(model.config), widths, importance)
