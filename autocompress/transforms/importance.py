"""How much each removable unit matters: by magnitude, by activation, by first-order Taylor.

All three see a unit through its consumers' columns: a unit that nobody reads scores 0, and so does one that
gives nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from autocompress.errors import SpaceError
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.transforms.observing import gates, matrices, second_moments
from autocompress.transforms.reconstruction import own_energy, steadied
from autocompress.transforms.units import Rows, UnitGroup, gpt_units, sovits_units
from autocompress.transforms.weights import Weights, bias_of, column_dim, effective_weight, row_dim

N = TypeVar("N", bound=nn.Module, contravariant=True)


class Batch(Protocol[N]):
    """One calibration batch of a network of kind ``N``: its scalar losses."""

    def losses(self, network: N, /) -> list[Tensor]: ...


@dataclass(frozen=True, eq=False)
class Importance:
    """Scores [count] by unit group; ``inputs``: second moments of what each module reads, if calibrated.

    The moments are steadied for solving (:func:`autocompress.transforms.reconstruction.steadied`).
    """

    criterion: str
    scores: Mapping[str, Tensor]
    inputs: Mapping[str, Tensor] = field(default_factory=dict, repr=False)

    def layer(self, names: Sequence[str]) -> float:
        """One number for a layer: its groups' scores taken together."""
        return float(torch.cat([self.scores[name].double() for name in names]).square().sum().sqrt())


UNSEEN = Importance("none", {})
"""No weights were looked at: layers are kept evenly spread, units cannot be chosen."""


def gpt_importance(gpt: Gpt, batches: Sequence[Batch[Gpt]] = (), criterion: str = "magnitude") -> Importance:
    """Scores of the GPT's heads and FFN neurons; ``batches`` are needed by all criteria but magnitude."""
    return _importance(gpt, gpt_units(gpt.config), batches, criterion)


def sovits_importance(
    sovits: Sovits, batches: Sequence[Batch[Sovits]] = (), criterion: str = "magnitude"
) -> Importance:
    """Scores of the prior's heads and FFN, the flow's channels and the vocoder's channels."""
    return _importance(sovits, sovits_units(sovits.config), batches, criterion)


def _importance(
    network: N, groups: Sequence[UnitGroup], batches: Sequence[Batch[N]], criterion: str
) -> Importance:
    if criterion not in CRITERIA:
        raise SpaceError(f"Importance by {criterion!r}: the criteria are {', '.join(CRITERIA)}.")
    if criterion != "magnitude" and not batches:
        raise SpaceError(f"Importance by {criterion} needs calibration batches; none were given.")
    weights = {key: tensor.detach() for key, tensor in network.state_dict().items()}
    paths = matrices(network) | {path for group in groups for path in group.consumers}
    moments, counts = second_moments(network, paths, batches) if batches else ({}, {})
    inputs = {path: steadied(moment, counts[path]) for path, moment in moments.items()}
    if criterion == "magnitude":
        scores = {g.name: _magnitude(weights, g) for g in groups}
    elif criterion == "activation":
        scores = {g.name: _activation(weights, g, inputs) for g in groups}
    else:
        scores = _taylor(network, groups, batches)
    return Importance(criterion, scores, inputs)


CRITERIA = ("magnitude", "activation", "taylor")


def _magnitude(weights: Weights, group: UnitGroup) -> Tensor:  # [count]
    """‖rows that make the unit‖ · ‖columns that read it‖: unchanged when one is scaled up, the other down."""
    made = sum(
        (_made(weights, rows, group) for rows in group.producers if rows.scored), torch.zeros(group.count)
    )
    read = sum((_read(weights, path, group) for path in group.consumers), torch.zeros(group.count))
    return (made * read).sqrt()


def _activation(weights: Weights, group: UnitGroup, inputs: Weights) -> Tensor:  # [count]
    """√ Σ ‖column‖² / (M⁻¹)ᵢᵢ: the energy that the unit sends on and that no other can send for it.

    1 / (M⁻¹)ᵢᵢ is what is left of E[a²] when all other inputs are known (Hassibi and Stork 1993, "Second
    order derivatives for network pruning: optimal brain surgeon"): what stays will take over the rest.
    """
    total = torch.zeros(group.count)
    for path in group.consumers:
        weight, dim = effective_weight(weights, path), column_dim(path)
        columns = weight.reshape(*weight.shape[:2], -1).square().sum(1 - dim)  # [columns, taps]
        own = own_energy(inputs[path]).reshape(len(columns), -1)  # by taps, or one for all of them
        total += _by_unit((columns * own).sum(1), group)
    return total.sqrt()


def _taylor(network: N, groups: Sequence[UnitGroup], batches: Sequence[Batch[N]]) -> dict[str, Tensor]:
    """√ E[(∂L/∂gate)²] of a gate of 1 on each unit: first-order change of the loss if it were removed.

    Molchanov et al. 2019, "Importance estimation for neural network pruning", equation 8.
    """
    totals = {group.name: torch.zeros(group.count) for group in groups}
    count = 0
    with gates(network, groups) as gate:
        for batch in batches:
            losses = batch.losses(network)
            for position, loss in enumerate(losses):
                more = position + 1 < len(losses)
                found = torch.autograd.grad(loss, list(gate.values()), retain_graph=more, allow_unused=True)
                for name, gradient in zip(gate, found, strict=True):
                    totals[name] += 0 if gradient is None else gradient.square()
                count += 1
    return {name: (total / count).sqrt() for name, total in totals.items()}


def _made(weights: Weights, rows: Rows, group: UnitGroup) -> Tensor:
    """Squared norm of each unit's rows and biases."""
    energy = _energy(effective_weight(weights, rows.path), row_dim(rows.path))
    bias = bias_of(weights, rows.path)
    whole = energy if bias is None else energy + bias.square()
    return _by_unit(whole[rows.start : rows.start + group.count * group.width], group)


def _read(weights: Weights, path: str, group: UnitGroup) -> Tensor:
    return _by_unit(_energy(effective_weight(weights, path), column_dim(path)), group)


def _energy(weight: Tensor, dim: int) -> Tensor:
    return weight.square().sum(tuple(d for d in range(weight.dim()) if d != dim))


def _by_unit(features: Tensor, group: UnitGroup) -> Tensor:
    return features.reshape(group.count, group.width).sum(1)
