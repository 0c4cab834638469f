"""A half of one weight vector: a schedule runs in milliseconds. Its loss is the distance from ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from autocompress.models.training.optimisation import Average
from autocompress.production.craft import Craft
from autocompress.production.decisions import Decisions, Width
from autocompress.space import Candidate


@dataclass(frozen=True)
class ToyConfig:
    width: int


class ToyNetwork(nn.Module):
    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.config = ToyConfig(len(weight))
        self.weight = nn.Parameter(weight.clone())


@dataclass
class ToyObjective:
    """Moves the weight a share of the way to ones at each step; ``spoil`` may put something else there."""

    model: ToyNetwork
    rate: float
    spoil: Callable[[int, Tensor], float | None] = lambda step, weight: None
    average: Average = field(init=False)

    def __post_init__(self) -> None:
        self.average = Average(self.model, 0.0)

    @torch.no_grad()
    def step(self, step: int) -> dict[str, float]:
        self.model.weight += self.rate * (1 - self.model.weight)
        spoilt = self.spoil(step, self.model.weight)
        self.average.values = {"weight": self.model.weight.detach().clone()}
        return {"loss": float((1 - self.model.weight).abs().sum()) if spoilt is None else spoilt}

    def state(self) -> dict[str, Any]:
        return {"weight": self.model.weight.detach().clone()}

    def restore(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            self.model.weight.copy_(state["weight"])


@dataclass(frozen=True, eq=False)
class ToyCraft(Craft[ToyNetwork]):
    """Every unit that goes leaves a fault of ``fault`` in each of the others, which training mends."""

    name: str = "toy"
    unit: str = "distance"
    fault: float = 0.01
    rate: float = 0.1
    spoil: Callable[[int, Tensor], float | None] = lambda step, weight: None
    shaped: list[int] = field(default_factory=list)

    @property
    def quantizes(self) -> bool:
        return False

    def shape(self, network: ToyNetwork, decisions: Candidate) -> ToyNetwork:
        width = int(decisions.get("toy.width", network.config.width))
        gone = network.config.width - width
        self.shaped.append(width)
        return ToyNetwork(network.weight.detach()[:width] - self.fault * gone)

    def delivered(self, network: ToyNetwork) -> ToyNetwork:
        return network

    def loss(self, network: ToyNetwork) -> float:
        return float((1 - network.weight.detach()).abs().mean())

    def objective(self, network: ToyNetwork, steps: int, *, quantized: bool, distance: float) -> Any:
        return ToyObjective(ToyNetwork(network.weight.detach()), self.rate, self.spoil)

    def built(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> ToyNetwork:
        return ToyNetwork(weights["weight"])


def toy_craft(full: int = 100, target: int = 60, **changed: Any) -> ToyCraft:
    """A teacher of ones that is to lose a share of its width."""
    decision = Candidate({"toy.width": target})
    widths = {"toy.width": Width(full, target)} if target < full else {}
    architecture = decision if widths else Candidate()
    return ToyCraft(
        ToyNetwork(torch.ones(full)), Decisions(architecture, Candidate(), widths, Candidate()), **changed
    )
