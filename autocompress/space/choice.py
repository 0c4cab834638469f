"""One decision group of a resolved space, its options, its condition and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass

from autocompress.space.candidate import Value

Point = Mapping[str, Value]
"""Coordinates in a space: the value of every active choice, by the choice's name."""


@dataclass(frozen=True)
class Condition:
    """Active only while the choice ``parent`` has one of ``values``."""

    parent: str
    values: tuple[Value, ...]

    def holds(self, point: Point) -> bool:
        return point.get(self.parent) in self.values


@dataclass(frozen=True)
class Guard:
    """Options of a choice that are closed unless a condition holds; ``fallback`` takes their place."""

    closed: tuple[Value, ...]
    unless: Condition
    fallback: Value
    reason: str


@dataclass(frozen=True)
class Choice:
    """A decision group: its ``options``, and the decisions that each of them makes (``decides``).

    The first option is the teacher's own; ``ordered`` ones run from it to the smallest. A choice that is not
    ``inherited`` (the recipe) has no teacher: its decision is always written out in a candidate.
    """

    name: str
    options: tuple[Value, ...]
    ordered: bool
    role: str
    decides: tuple[Mapping[str, Value], ...]
    when: tuple[Condition, ...] = ()
    guards: tuple[Guard, ...] = ()
    inherited: bool = True
    start: Value | None = None

    @property
    def default(self) -> Value:
        """The teacher's own option, or what a recipe starts from."""
        return self.options[0] if self.start is None else self.start

    @property
    def component(self) -> str:
        """The half of the system that it belongs to: gpt, sovits or recipe."""
        parts = self.name.split(".")
        return parts[1] if parts[0] in ("storage", "compute") and len(parts) > 1 else parts[0]

    def index(self, value: Value) -> int:
        """Position of ``value`` among the options (``True`` and ``1`` are different options)."""
        for position, option in enumerate(self.options):
            if option == value and isinstance(option, bool) == isinstance(value, bool):
                return position
        raise ValueError(f"{self.name} has no option {value!r}; it has {list(self.options)}")

    def active(self, point: Point) -> bool:
        return all(condition.holds(point) for condition in self.when)

    def allowed(self, point: Point) -> tuple[Value, ...]:
        """The options that are open at ``point``."""
        closed = {v for g in self.guards if not g.unless.holds(point) for v in g.closed}
        return tuple(v for v in self.options if v not in closed) if closed else self.options

    def repaired(self, value: Value, point: Point) -> Value:
        """``value``, or the fallback of the guard that closes it."""
        for guard in self.guards:
            if value in guard.closed and not guard.unless.holds(point):
                return guard.fallback
        return value


@dataclass(frozen=True)
class Quota:
    """At least ``minimum`` of ``choices`` keep ``value``: a floor that no single choice can express."""

    name: str
    choices: tuple[str, ...]
    value: Value
    minimum: int
    reason: str
