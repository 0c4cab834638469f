"""The seam between a study and whatever proposes its points."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from autocompress.space import Point, SearchSpace
from autocompress.study.evaluation import Task


@dataclass(frozen=True)
class Outcome:
    """What became of a point: its losses, if it ran, and the excess of each bound (broken when above zero).

    A point that broke a free bound was never run: its free losses are known, its quality is not.
    """

    losses: tuple[float, ...] | None
    excess: Mapping[str, float] = field(default_factory=dict)

    @property
    def feasible(self) -> bool:
        return self.losses is not None and all(x <= 0.0 for x in self.excess.values())


class Sampler(Protocol):
    """Proposes points; a pure function of its seed and of what it was told, in order.

    ``tell`` is called once for every ``ask``, in the order of the numbers, and may be called with a number that
    was never asked: a point that came from elsewhere (a seed of the solver, another search).
    """

    def ask(self, number: int) -> Point: ...

    def tell(self, number: int, point: Point, outcome: Outcome) -> None: ...


@dataclass(frozen=True)
class SamplerContext:
    """What a sampler is made from."""

    space: SearchSpace
    task: Task
    seed: int
