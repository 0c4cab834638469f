"""What the measurements say: factors, the four limits, and who dominates whom; nothing is measured here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.headline.hearing import FLOOR, Readings

ONE_SIDED_90 = 1.2816  # standard errors
AIM_SMALLER, AIM_FASTER = 10.0, 4.0


@dataclass(frozen=True)
class Limit:
    """How much worse than the teacher a mean may be; ``sign`` 1 where more is better, -1 where less is."""

    key: str
    slack: float
    sign: int
    words: str


LIMITS = (
    Limit("similarity", 0.02, 1, "similarity ≥ teacher − 0.02"),
    Limit("mos", 0.15, 1, "MOS ≥ teacher − 0.15"),
    Limit("cer", 0.01, -1, "CER ≤ teacher + 1 point"),
    Limit(FLOOR, 3.0, -1, "silence floor ≤ teacher + 3 dB"),
)


@dataclass(frozen=True)
class Mean:
    """A mean over utterances and its standard error, which takes a sentence's voices as one draw."""

    value: float
    error: float


def mean(values: Mapping[str, float]) -> Mean:
    """Of values by item ("s01/af_heart"): clustered by sentence (Liang and Zeger 1986, with G / (G - 1))."""
    numbers = np.array(list(values.values()))
    _, clusters = np.unique([item.partition("/")[0] for item in values], return_inverse=True)
    n_clusters = int(clusters.max()) + 1
    sums = np.bincount(clusters, weights=numbers - numbers.mean())
    if n_clusters < 2:
        return Mean(float(numbers.mean()), float("inf"))
    variance = n_clusters / (n_clusters - 1) * float(np.square(sums).sum()) / len(numbers) ** 2
    return Mean(float(numbers.mean()), float(np.sqrt(variance)))


def paired(own: Readings, other: Readings, key: str) -> Mean:
    """``own`` minus ``other``, utterance by utterance; ValueError when they are not the same utterances."""
    if set(own) != set(other):
        raise ValueError("paired differences need the same utterances on both sides")
    return mean({item: own[item][key] - other[item][key] for item in own})


@dataclass(frozen=True)
class Held:
    """One limit on one row: the paired difference from the teacher; ``sure`` beyond chance at 90 %."""

    key: str
    difference: Mean
    holds: bool
    sure: bool


def held(own: Readings, teacher: Readings, limit: Limit) -> Held:
    difference = paired(own, teacher, limit.key)
    margin = limit.sign * difference.value + limit.slack
    sure = difference.error == 0 or abs(margin) > ONE_SIDED_90 * difference.error
    return Held(limit.key, difference, margin >= 0, sure)


@dataclass(frozen=True)
class Row:
    """One system, measured. ``held`` has one entry a limit, in their order.

    ``times_faster`` than the fp32 graphs is compared within rounds: a shared machine's pace changes.
    """

    name: str
    about: str
    ours: bool
    size_mb: float
    latency_s: float
    times_faster: float
    readings: Readings
    held: tuple[Held, ...]

    @property
    def missed(self) -> tuple[str, ...]:
        return tuple(one.key for one in self.held if not one.holds)

    @property
    def holds_all(self) -> bool:
        return not self.missed


def times_smaller(row: Row, teacher: Row) -> float:
    return teacher.size_mb / row.size_mb


def headline(rows: Sequence[Row]) -> tuple[Row, Row] | None:
    """Of our rows that hold all four limits the smallest and the fastest; None when none does."""
    holding = [row for row in rows if row.ours and row.holds_all]
    if not holding:
        return None
    return min(holding, key=lambda row: row.size_mb), max(
        holding, key=lambda row: (row.times_faster, -row.size_mb)
    )


@dataclass(frozen=True)
class Dominance:
    """Whether one row is at least as good as another in everything; ``against`` says where it is not.

    ``within_errors`` lists where its mean is worse by no more than chance explains at 90 %.
    """

    against: tuple[str, ...]
    within_errors: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return not self.against


def dominance(own: Row, other: Row) -> Dominance:
    against = []
    if own.size_mb > other.size_mb:
        against.append(f"{own.size_mb:.1f} against {other.size_mb:.1f} MB")
    if own.times_faster < other.times_faster:
        against.append(f"{own.times_faster:.2f} against {other.times_faster:.2f} times as fast as fp32")
    chance = []
    for limit in LIMITS:
        difference = paired(own.readings, other.readings, limit.key)
        worse = -limit.sign * difference.value
        told = f"{limit.key} worse by {worse:.3g} ± {difference.error:.2g}"
        if worse > ONE_SIDED_90 * difference.error:
            against.append(told)
        elif worse > 0:
            chance.append(told)
    return Dominance(tuple(against), tuple(chance))


def dominating(rows: Sequence[Row], other: Row) -> tuple[Row, Dominance]:
    """Our row that dominates ``other``, the smallest of them; or the one with the fewest reasons why not."""
    ours = sorted((row for row in rows if row.ours), key=lambda row: row.size_mb)
    judged = [(row, dominance(row, other)) for row in ours]
    return min(judged, key=lambda pair: len(pair[1].against))


def first_break(rows: Sequence[Row]) -> tuple[Row | None, Row | None]:
    """Along our rows from large to small: the last that holds all limits before the first that does not."""
    ours = sorted((row for row in rows if row.ours), key=lambda row: -row.size_mb)
    last = None
    for row in ours:
        if not row.holds_all:
            return last, row
        last = row
    return last, None
