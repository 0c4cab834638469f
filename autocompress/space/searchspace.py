"""The resolved space: its points, its candidates, and what is wrong with a point outside of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property

import numpy as np

from autocompress.errors import SpaceError
from autocompress.space.candidate import Candidate, Value
from autocompress.space.choice import Choice, Point, Quota
from autocompress.space.count import count_points


@dataclass(frozen=True)
class Floor:
    """A protection of the file, its reason, and whether the user lifted it."""

    name: str
    choices: tuple[str, ...]
    reason: str
    lifted: bool


@dataclass(frozen=True)
class SearchSpace:
    """Every decision group of one search against one teacher; parents come before their children."""

    name: str
    choices: tuple[Choice, ...]
    quotas: tuple[Quota, ...] = ()
    factors: tuple[tuple[str, ...], ...] = ()
    dimensions: Mapping[str, object] = field(default_factory=dict)
    erases: tuple[str, ...] = ()
    floors: tuple[Floor, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Choice]:
        return {choice.name: choice for choice in self.choices}

    @cached_property
    def free(self) -> tuple[Choice, ...]:
        """The choices with more than one option: what a sampler has to decide."""
        return tuple(c for c in self.choices if len(c.options) > 1)

    @cached_property
    def size(self) -> int:
        """Exact number of points, conditions, guards and quotas respected."""
        return count_points(self)

    @property
    def default(self) -> dict[str, Value]:
        """The teacher's own point."""
        return self.repair({})

    def repair(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The nearest point inside: defaults where silent, inactive choices dropped, no closed option."""
        point: dict[str, Value] = {}
        wanted = dict(values)
        for quota in self.quotas:
            wanted.update(_restored(quota, wanted, self.by_name))
        for choice in self.choices:
            if choice.active(point):
                point[choice.name] = choice.repaired(wanted.get(choice.name, choice.default), point)
        return point

    def candidate(self, values: Mapping[str, Value]) -> Candidate:
        """The candidate at ``values``; a :class:`SpaceError` lists everything that lies outside."""
        faults = self.faults(values)
        if faults:
            raise SpaceError(_message(f"candidate outside of space {self.name!r}", faults))
        return self._decide(self.repair(values))

    def unguarded(self, point: Point) -> Candidate:
        """The candidate at ``point`` with guards and quotas ignored: to count its cost, not to make it."""
        decided = [c for c in self.choices if _decided(c, point)]
        return self._decide({c.name: point.get(c.name, c.default) for c in decided})

    def random_point(self, generator: np.random.Generator) -> dict[str, Value]:
        """A point with every choice drawn evenly, then repaired."""
        drawn = {c.name: c.options[int(generator.integers(len(c.options)))] for c in self.choices}
        return self.repair(drawn)

    def faults(self, values: Mapping[str, Value]) -> list[str]:
        """Everything by which ``values`` lie outside; empty when they name a point of this space."""
        faults = [
            f"unknown choice {name!r}; nearest known: {nearest(name, self.by_name)!r}"
            for name in values
            if name not in self.by_name
        ]
        point = self.repair({n: v for n, v in values.items() if n in self.by_name})
        for name in (n for n in values if n in self.by_name):
            faults += _choice_faults(self.by_name[name], values[name], point)
        return faults + [_quota_fault(q, values) for q in self.quotas if _shortfall(q, values)]

    def _decide(self, point: Point) -> Candidate:
        decisions: dict[str, Value] = {}
        for choice in self.choices:
            if choice.name in point:
                decisions.update(choice.decides[choice.index(point[choice.name])])
        gone = [name.rsplit(".", 1)[1] for name, value in decisions.items() if _drops(name, value)]
        erased = tuple(f"{prefix}.{layer}" for prefix in self.erases for layer in gone)
        return Candidate({n: v for n, v in decisions.items() if n not in erased})


def nearest(name: str, known: Mapping[str, object]) -> str:
    """The known name that looks most like ``name``."""
    return (get_close_matches(name, list(known), n=1, cutoff=0.0) or ["nothing"])[0]


def _decided(choice: Choice, point: Point) -> bool:
    return choice.name in point or len(choice.options) == 1


def _drops(name: str, value: Value) -> bool:
    return name.startswith("gpt.keep.") and value is False


def _message(title: str, faults: list[str]) -> str:
    return f"{title}: {len(faults)} fault(s)\n" + "\n".join(f"  - {fault}" for fault in faults)


def _choice_faults(choice: Choice, value: Value, point: Point) -> list[str]:
    try:
        choice.index(value)
    except ValueError as error:
        return [str(error)]
    if choice.name not in point:
        conditions = " and ".join(f"{c.parent} in {list(c.values)}" for c in choice.when)
        return [] if value == choice.default else [f"{choice.name} is only decided while {conditions}"]
    if point[choice.name] == value or value in choice.allowed(point):
        return []
    guard = next(g for g in choice.guards if value in g.closed)
    return [
        f"{choice.name}={value!r} needs {guard.unless.parent} in {list(guard.unless.values)}: {guard.reason}"
    ]


def _shortfall(quota: Quota, values: Mapping[str, Value]) -> int:
    kept = sum(values.get(name, quota.value) == quota.value for name in quota.choices)
    return max(0, quota.minimum - kept)


def _quota_fault(quota: Quota, values: Mapping[str, Value]) -> str:
    kept = quota.minimum - _shortfall(quota, values)
    return f"{quota.name}: {kept} choices keep {quota.value!r}, {quota.minimum} must: {quota.reason}"


def _restored(quota: Quota, values: Mapping[str, Value], known: Mapping[str, Choice]) -> dict[str, Value]:
    """The first choices of the quota that broke it, set back until it holds."""
    broken = [n for n in quota.choices if n in known and values.get(n, quota.value) != quota.value]
    return dict.fromkeys(broken[: _shortfall(quota, values)], quota.value)
