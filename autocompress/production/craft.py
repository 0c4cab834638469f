"""What the schedule must know of a part of the model: how it is shaped, taught and judged."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from torch import Tensor, nn

from autocompress.models.training.optimisation import Average
from autocompress.models.training.trainer import Objective
from autocompress.production.decisions import Decisions
from autocompress.space import Candidate

N = TypeVar("N", bound=nn.Module)


class Distillation(Objective, Protocol):
    """An objective whose network and average can be read."""

    @property
    def model(self) -> nn.Module: ...

    @property
    def average(self) -> Average: ...


@dataclass(frozen=True, eq=False)
class Craft(ABC, Generic[N]):
    """One part of the model in production. Losses are in the unit of ``unit``; zero is the teacher.

    A distance up to ``negligible`` is not trained away, and a round of pruning that costs no more is taken.
    A part whose untrained student is within ``unheard`` is left as it is. At ``breaking`` speech breaks.
    """

    teacher: N
    decisions: Decisions

    name: str = ""
    unit: str = ""
    negligible: float = 0.0
    unheard: float = 0.0
    breaking: float = 1.0

    @property
    def slack(self) -> float:
        """By so much of the best loss a later milestone may be further off and still be taken."""
        return 0.0

    @property
    @abstractmethod
    def quantizes(self) -> bool:
        """Whether the candidate narrows what quantization-aware training can help."""

    @abstractmethod
    def shape(self, network: N, decisions: Candidate) -> N:
        """A frozen copy of ``network`` that follows ``decisions``, by the network's own layers."""

    def ready_to_round(self, network: N) -> N:
        """``network``, its weights moved to where rounding them costs least."""
        return network

    @abstractmethod
    def delivered(self, network: N) -> N:
        """The network as it will read and compute on the device."""

    @abstractmethod
    def loss(self, network: N) -> float:
        """Distance from the teacher on held-out utterances; infinite when it cannot be told."""

    @abstractmethod
    def objective(self, network: N, steps: int, *, quantized: bool, distance: float) -> Distillation:
        """Training of a copy of ``network``, now at ``distance`` from its teacher, over ``steps``."""

    @abstractmethod
    def built(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> N:
        """A frozen network of these sizes and weights."""

    @property
    def trains(self) -> bool:
        return self.decisions.shapes_anything or self.quantizes
