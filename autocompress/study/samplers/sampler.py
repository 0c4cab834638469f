"""The seam between a study and whatever proposes its points."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from autocompress.space import Point, SearchSpace
from autocompress.study.evaluation import Evaluate, Task


@dataclass(frozen=True)
class Outcome:
    """What became of a point: its losses, if it ran, and the excess of each bound (broken when above zero).

    A point that broke a free bound never ``ran``: its free losses are known, its quality is a stand-in.
    """

    losses: tuple[float, ...] | None
    excess: Mapping[str, float] = field(default_factory=dict)
    ran: bool = True

    @property
    def feasible(self) -> bool:
        return self.losses is not None and all(x <= 0.0 for x in self.excess.values())


@dataclass(frozen=True)
class Proposal:
    """A point and its reason; ``always`` runs it even where it breaks a free bound, to learn from it."""

    point: Point
    origin: str
    always: bool = False


class Sampler(Protocol):
    """Proposes points; a pure function of its seed and of what it was told, in order.

    ``tell`` is called once for every ``ask``, in the order of the numbers, and may be called with a number
    that was never asked: a point that came from elsewhere (a seed of the solver, another search).
    """

    def ask(self, number: int) -> Proposal: ...

    def tell(self, number: int, point: Point, outcome: Outcome) -> None: ...


@dataclass(frozen=True)
class SamplerContext:
    """What a sampler is made from; it calls ``evaluate`` at the free rung only. ``trials`` is the budget.

    ``seeded`` gives samplers that take points of others the solver's points to begin with.
    """

    space: SearchSpace
    task: Task
    seed: int
    evaluate: Evaluate
    reference: tuple[float, ...]
    trials: int = 100
    seeded: bool = True
