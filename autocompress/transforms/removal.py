"""Removing units: the rows and columns of all of them go at once, since several groups may share a tensor."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autocompress.space import spread_layers
from autocompress.transforms.importance import Importance
from autocompress.transforms.reconstruction import take_over
from autocompress.transforms.units import UnitGroup
from autocompress.transforms.weights import (
    State,
    column_dim,
    effective_weight,
    keep_columns,
    keep_rows,
    row_dim,
)


@dataclass(frozen=True)
class Kept:
    """The units of a group that stay, by index in ascending order."""

    group: UnitGroup
    index: tuple[int, ...]

    @property
    def removed(self) -> list[int]:
        """Features (not units) that go, from the group's own start."""
        gone = sorted(set(range(self.group.count)) - set(self.index))
        width = self.group.width
        return [unit * width + i for unit in gone for i in range(width)]


def strongest(scores: Tensor, count: int) -> tuple[int, ...]:
    """Indices of the ``count`` highest scores, ascending; the earlier of equals stays."""
    order = torch.argsort(scores.double(), descending=True, stable=True)
    return tuple(sorted(order[:count].tolist()))


def keep_units(state: State, plans: Iterable[Kept]) -> None:
    """Cut every producer and consumer of the plans; a tensor that loses nothing keeps its bits.

    Where a consumer's inputs are known, its columns that stay take over what the others said.
    """
    rows: defaultdict[str, set[int]] = defaultdict(set)
    columns: defaultdict[str, set[int]] = defaultdict(set)
    for plan in plans:
        for producer in plan.group.producers:
            rows[producer.path] |= {producer.start + i for i in plan.removed}
        for path in plan.group.consumers:
            columns[path] |= set(plan.removed)
    for path, gone in rows.items():
        if gone:
            keep_rows(state, path, _rest(effective_weight(state, path).shape[row_dim(path)], gone))
    for path, gone in columns.items():
        if gone:
            take_over(state, path, gone)
            keep_columns(state, path, _rest(effective_weight(state, path).shape[column_dim(path)], gone))


def _rest(total: int, gone: set[int]) -> Tensor:
    return torch.tensor([i for i in range(total) if i not in gone])


def keep_strongest(
    state: State, groups: Iterable[UnitGroup], counts: Mapping[str, int], importance: Importance
) -> None:
    """Of each group that ``counts`` names, keep that many units, the most important ones."""
    named = [group for group in groups if counts.get(group.name, group.count) < group.count]
    keep_units(
        state, [Kept(group, strongest(importance.scores[group.name], counts[group.name])) for group in named]
    )


def strongest_layers(importance: Importance, groups: Sequence[Sequence[str]], count: int) -> tuple[int, ...]:
    """The ``count`` layers whose unit groups matter most together; evenly spread when nothing was scored."""
    names = {name for layer in groups for name in layer}
    if not names <= importance.scores.keys():
        return tuple(sorted(spread_layers(count, len(groups))))
    return strongest(torch.tensor([importance.layer(layer) for layer in groups]), count)
