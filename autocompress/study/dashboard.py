"""A run's trials as an Optuna study in the same storage, for ``optuna-dashboard`` and Optuna's own plots."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autocompress.errors import RunError
from autocompress.objectives import QUANTITIES
from autocompress.space import Value
from autocompress.study.evaluation import RUNGS
from autocompress.study.trial import Trial

_DIRECTIONS = {"min": StudyDirection.MINIMIZE, "max": StudyDirection.MAXIMIZE}


@dataclass(frozen=True)
class OptunaStudy:
    """Where the study is, what it is called, and how many of the trials have all objectives."""

    storage: str
    name: str
    complete: int

    @property
    def command(self) -> str:
        """What opens it in a browser."""
        return f"optuna-dashboard {self.storage}"


def write_optuna_study(
    trials: Sequence[Trial], objectives: Sequence[str], storage: str, name: str
) -> OptunaStudy:
    """Write ``trials`` as the Optuna study ``name``, replacing the one that an earlier call wrote.

    Our tables and Optuna's lie side by side in the database ``storage`` (an SQLAlchemy URL). Losses of
    different rungs do not compare, so trials that stopped below the highest rung are there as pruned ones,
    and those that broke a budget or failed as failed ones. Every measurement is an attribute.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    directions = [_DIRECTIONS[QUANTITIES[key].better] for key in objectives]
    ranges = _distributions(trials)
    try:
        _forget(name, storage)
        study = optuna.create_study(storage=storage, study_name=name, directions=directions)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.set_metric_names(list(objectives))
        top = RUNGS[max((RUNGS.index(t.rung) for t in trials if t.state == "complete"), default=0)]
        frozen = [_frozen(t, objectives, ranges, _state(t, objectives, top)) for t in trials]
        study.add_trials(frozen)
    except optuna.exceptions.StorageInternalError as error:
        raise RunError(
            f"the storage {storage} cannot be written: {error}. Nothing of the run is lost; give another one."
        ) from error
    return OptunaStudy(storage, name, sum(t.state is TrialState.COMPLETE for t in frozen))


def _forget(name: str, storage: str) -> None:
    if name in optuna.get_all_study_names(storage):
        optuna.delete_study(study_name=name, storage=storage)


def _distributions(trials: Iterable[Trial]) -> dict[str, BaseDistribution]:
    """A distribution a decision, over the options that were tried: numbers stay numbers on its axes."""
    tried: dict[str, dict[Value, None]] = {}
    for trial in trials:
        for decision, value in trial.point.items():
            tried.setdefault(decision, {})[value] = None
    return {decision: _distribution(list(values)) for decision, values in tried.items()}


def _distribution(values: list[Value]) -> BaseDistribution:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values):
        return CategoricalDistribution(sorted(values, key=str))
    whole = [value for value in numbers if isinstance(value, int)]
    if len(whole) == len(numbers):
        return IntDistribution(min(whole), max(whole))
    return FloatDistribution(float(min(numbers)), float(max(numbers)))


def _state(trial: Trial, objectives: Sequence[str], top: str) -> TrialState:
    if trial.state != "complete" or any(key not in trial.measurements for key in objectives):
        return TrialState.FAIL
    return TrialState.COMPLETE if trial.rung == top else TrialState.PRUNED


def _frozen(
    trial: Trial, objectives: Sequence[str], ranges: Mapping[str, BaseDistribution], state: TrialState
) -> FrozenTrial:
    losses = [trial.measurements[key].value for key in objectives] if state is TrialState.COMPLETE else None
    return optuna.create_trial(
        state=state,
        values=losses,
        params=dict(trial.point),
        distributions={decision: ranges[decision] for decision in trial.point},
        user_attrs=_attributes(trial),
    )


def _attributes(trial: Trial) -> dict[str, str | float]:
    found: dict[str, str | float] = {key: seen.value for key, seen in trial.measurements.items()}
    found |= {"trial": trial.number, "candidate": trial.candidate.id, "rung": trial.rung}
    found |= {"state": trial.state, "origin": trial.origin}
    return found | ({"failure": trial.failure} if trial.failure else {})
