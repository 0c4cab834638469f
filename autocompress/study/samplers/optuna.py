"""Optuna's samplers behind the seam, with real constraints and conditional parameters."""

import warnings
from collections.abc import Callable

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import TrialState

from autocompress.space import Choice, Point, Value
from autocompress.study.samplers.sampler import Outcome, Proposal, SamplerContext

_Make = Callable[[int], optuna.samplers.BaseSampler]

SAMPLERS: dict[str, _Make] = {
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "nsga3": lambda seed: optuna.samplers.NSGAIIISampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
}
"""Every Optuna sampler that several objectives and constraints allow."""


class OptunaSampler:
    """An in-memory Optuna study; what lasts is our store, from which a resumed search retells it."""

    def __init__(self, context: SamplerContext, name: str) -> None:
        self._context = context
        self._name = name
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            sampler = SAMPLERS[name](context.seed)
        self._study = optuna.create_study(
            directions=["minimize"] * len(context.task.objectives), sampler=sampler
        )
        self._asked: dict[int, optuna.Trial] = {}
        self._worst = [0.0] * len(context.task.objectives)

    def ask(self, number: int) -> Proposal:
        trial = self._study.ask()
        self._asked[number] = trial
        return Proposal(self._suggest(trial), self._name)

    def tell(self, number: int, point: Point, outcome: Outcome) -> None:
        trial = self._asked.pop(number, None) or self._foreign(point)
        for key, excess in outcome.excess.items():
            trial.set_constraint(key, excess)
        if outcome.losses is None:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, list(outcome.losses))

    def _foreign(self, point: Point) -> optuna.Trial:
        """A trial at ``point`` as if it had been asked."""
        by_name = self._context.space.by_name
        encoded = {name: _encode(by_name[name], v) for name, v in point.items() if _open(by_name[name])}
        self._study.enqueue_trial(encoded)
        trial = self._study.ask()
        self._suggest(trial)
        return trial

    def _suggest(self, trial: optuna.Trial) -> Point:
        """Ask for every active choice, parents first, so that conditions are real ones."""
        point: dict[str, Value] = {}
        for choice in self._context.space.choices:
            if choice.active(point):
                value = _decode(choice, trial) if _open(choice) else choice.default
                point[choice.name] = choice.repaired(value, point)
        return self._context.space.repair(point)


def _open(choice: Choice) -> bool:
    return len(choice.options) > 1


def _encode(choice: Choice, value: Value) -> Value:
    return choice.index(value) if choice.ordered else str(value)


def _decode(choice: Choice, trial: optuna.Trial) -> Value:
    """Ordered options as integers, so that neighbours are near; the others as categories."""
    if choice.ordered:
        return choice.options[trial.suggest_int(choice.name, 0, len(choice.options) - 1)]
    labels = [str(option) for option in choice.options]
    return choice.options[labels.index(str(trial.suggest_categorical(choice.name, labels)))]
