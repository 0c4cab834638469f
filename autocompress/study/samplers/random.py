"""Random search: every choice drawn evenly. The baseline that every other sampler has to beat."""

import numpy as np

from autocompress.space import Point
from autocompress.study.samplers.sampler import Outcome, Proposal, SamplerContext


class RandomSampler:
    """Point ``number`` depends on the seed and the number alone."""

    def __init__(self, context: SamplerContext) -> None:
        self._context = context

    def ask(self, number: int) -> Proposal:
        generator = np.random.default_rng((self._context.seed, number))
        return Proposal(self._context.space.random_point(generator), "random")

    def tell(self, number: int, point: Point, outcome: Outcome) -> None:
        """Nothing is learnt."""
