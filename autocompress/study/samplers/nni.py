"""NNI's tuners behind the seam, in process; no experiment service is started.

They take one number, so the losses become an augmented Tchebycheff distance (Knowles, ParEGO, 2006) whose
weights change from trial to trial; a broken bound adds to it.
"""

import logging
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from autocompress.errors import MissingExtraError
from autocompress.space import Point
from autocompress.study.encoding import Encoding
from autocompress.study.samplers.sampler import Outcome, Proposal, SamplerContext

_AUGMENTATION = 0.05
_BROKEN = 2.0  # added for a broken bound or a failure: worse than any point within the reference
_RANDOM_START = 20  # trials before the tree estimator models anything; its own default


def _tpe(seed: int) -> Any:
    from nni.algorithms.hpo.tpe_tuner import TpeTuner

    return TpeTuner(optimize_mode="minimize", seed=seed, tpe_args={"n_startup_jobs": _RANDOM_START})


def _evolution(seed: int) -> Any:
    from nni.algorithms.hpo.evolution_tuner import EvolutionTuner

    class Seeded(EvolutionTuner):  # type: ignore[misc]
        """Its first population comes from an unseeded generator: draw it again from a seeded one."""

        def update_search_space(self, search_space: Any) -> None:
            super().update_search_space(search_space)
            self.random_state = np.random.RandomState(seed)
            self.population: list[Any] = []
            for _ in range(self.population_size):
                self._random_generate_individual()

    return Seeded(optimize_mode="minimize", population_size=32)


def _random(seed: int) -> Any:
    from nni.algorithms.hpo.random_tuner import RandomTuner

    return RandomTuner(seed=seed)


TUNERS: dict[str, Callable[[int], Any]] = {
    "nni-tpe": _tpe,
    "nni-evolution": _evolution,
    "nni-random": _random,
}
"""The tuners that run without NNI's service."""


class NniSampler:
    """One tuner over option indices; inactive choices are drawn all the same and ignored."""

    def __init__(self, context: SamplerContext, name: str) -> None:
        self._context = context
        self._name = name
        self._encoding = Encoding(context.space)
        try:
            self._tuner = TUNERS[name](context.seed)
        except ImportError as error:
            raise MissingExtraError(f"the sampler {name}", "nni", "nni") from error
        logging.getLogger("nni").setLevel(logging.ERROR)  # it writes to standard output, where --json writes
        self._state = random.Random(
            context.seed
        ).getstate()  # Evolution draws from the module's own generator
        with _Generator(self):
            self._tuner.update_search_space(
                {
                    c.name: {"_type": "choice", "_value": list(range(len(c.options)))}
                    for c in self._encoding.choices
                }
            )
        self._asked: dict[int, dict[str, int]] = {}
        self._best = np.full(len(context.reference), np.inf)

    def ask(self, number: int) -> Proposal:
        with _Generator(self):
            indices = self._tuner.generate_parameters(number)
        self._asked[number] = indices
        row = np.array([int(indices[c.name]) for c in self._encoding.choices])
        return Proposal(self._encoding.decode(self._encoding.repair(row[None, :])[0]), self._name)

    def tell(self, number: int, point: Point, outcome: Outcome) -> None:
        indices = self._asked.pop(number, None)
        if indices is None:
            return  # tuners take no points of others
        with _Generator(self):
            self._tuner.receive_trial_result(number, indices, self._distance(number, outcome))

    def _distance(self, number: int, outcome: Outcome) -> float:
        """Augmented Tchebycheff distance from the best seen, on axes that end at the reference."""
        if outcome.losses is None:
            return 2.0 * _BROKEN
        losses = np.array(outcome.losses)
        self._best = np.minimum(self._best, losses)
        span = np.maximum(np.array(self._context.reference) - self._best, 1e-12)
        scaled = (losses - self._best) / span
        weights = np.random.default_rng((self._context.seed, number)).dirichlet(np.ones(len(scaled)))
        distance = (weights * scaled).max() + _AUGMENTATION * (weights * scaled).sum()
        broken = sum(max(0.0, x) for x in outcome.excess.values())
        return float(distance + (_BROKEN + broken if broken > 0.0 else 0.0))


class _Generator:
    """Python's own generator, set to the sampler's state for a while and put back afterwards."""

    def __init__(self, sampler: NniSampler) -> None:
        self._sampler = sampler

    def __enter__(self) -> None:
        self._outside = random.getstate()
        random.setstate(self._sampler._state)

    def __exit__(self, *_: object) -> None:
        self._sampler._state = random.getstate()
        random.setstate(self._outside)
