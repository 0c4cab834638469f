"""A metric over a whole evaluation set: the mean, how sure it is, and the teacher's own value beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from autocompress.errors import MalformedError
from autocompress.metrics.metric import Metric, Reading

Subject = TypeVar("Subject")

CONFIDENCE = 0.9
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and the interval that holds it at ``confidence``; a single sentence gives an infinite one."""

    value: float
    low: float
    high: float
    confidence: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class Failure:
    """One item that could not be scored, and why; it counted as the metric's worst value."""

    item: str
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of a candidate over ``n`` items of ``n_sentences`` sentences.

    ``difference`` is candidate minus teacher on the same items, which is far surer than either value alone.
    """

    metric: str
    unit: str
    higher_is_better: bool
    estimate: Estimate
    n: int
    n_sentences: int
    failures: tuple[Failure, ...] = ()
    teacher: Estimate | None = None
    difference: Estimate | None = None

    @property
    def value(self) -> float:
        """The candidate's mean."""
        return self.estimate.value


@dataclass(frozen=True, slots=True)
class Item:
    """Names one reading: which sentence, in which voice."""

    sentence: str
    voice: str

    def __str__(self) -> str:
        return f"{self.sentence}/{self.voice}"


def score(
    metric: Metric[Subject],
    readings: Mapping[Item, Reading],
    *,
    seed: int,
    teacher: Mapping[Item, Reading] | None = None,
) -> Score:
    """Mean of ``readings``; its interval draws whole sentences, for the voices of one err together."""
    if not readings:
        raise MalformedError(f"Scoring {metric.name}: there are no readings. Give at least one item.")
    if teacher is not None and set(teacher) != set(readings):
        odd = ", ".join(sorted(str(item) for item in set(teacher) ^ set(readings)))
        raise MalformedError(
            f"Scoring {metric.name} beside its teacher: only one of them has {odd}. Give both."
        )
    items = list(readings)
    sentences = [item.sentence for item in items]
    values = np.array([readings[item].value for item in items])
    theirs = None if teacher is None else np.array([teacher[item].value for item in items])
    return Score(
        metric=metric.name,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        estimate=bootstrap(values, sentences, seed=seed),
        n=len(items),
        n_sentences=len(set(sentences)),
        failures=tuple(
            Failure(str(item), r.failure) for item, r in readings.items() if r.failure is not None
        ),
        teacher=None if theirs is None else bootstrap(theirs, sentences, seed=seed),
        difference=None if theirs is None else bootstrap(values - theirs, sentences, seed=seed),
    )


def score_all(
    metrics: Iterable[Metric[Subject]],
    subjects: Mapping[Item, Subject],
    *,
    seed: int,
    teacher: Mapping[Item, Subject] | None = None,
) -> dict[str, Score]:
    """Read every metric on every subject; the teacher's are read too, except by relative metrics."""
    scores = {}
    for metric in metrics:
        readings = {item: metric.read(subject) for item, subject in subjects.items()}
        compared = None if metric.relative else teacher
        theirs = None if compared is None else {item: metric.read(said) for item, said in compared.items()}
        scores[metric.name] = score(metric, readings, seed=seed, teacher=theirs)
    return scores


def bootstrap(
    values: NDArray[np.float64], clusters: Sequence[str], *, seed: int, confidence: float = CONFIDENCE
) -> Estimate:
    """Mean of ``values`` [n], with a percentile interval over clusters (Efron and Tibshirani 1993)."""
    names = sorted(set(clusters))
    row = {name: index for index, name in enumerate(names)}
    sums, counts = np.zeros(len(names)), np.zeros(len(names))
    for value, cluster in zip(values, clusters, strict=True):
        sums[row[cluster]] += value
        counts[row[cluster]] += 1
    mean = float(sums.sum() / counts.sum())
    if len(names) < 2:
        return Estimate(mean, -np.inf, np.inf, confidence)
    drawn = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(mean, float(low), float(high), confidence)
