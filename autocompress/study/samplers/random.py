"""Random search: every choice drawn evenly. The baseline that every other sampler has to beat."""

import numpy as np

from autocompress.space import Point
from autocompress.study.samplers.sampler import Outcome, SamplerContext


class RandomSampler:
    """Point ``number`` depends on the seed and the number alone."""

    def __init__(self, context: SamplerContext) -> None:
        self._context = context

    def ask(self, number: int) -> Point:
        generator = np.random.default_rng((self._context.seed, number))
        return self._context.space.random_point(generator)

    def tell(self, number: int, point: Point, outcome: Outcome) -> None:
        """Nothing is learnt."""
