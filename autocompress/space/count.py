"""Exact number of points of a space with conditions, guards and quotas."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from autocompress.space.candidate import Value
from autocompress.space.choice import Choice, Guard

if TYPE_CHECKING:
    from autocompress.space.searchspace import SearchSpace


def count_points(space: SearchSpace) -> int:
    """Sum, over what the distant guards depend on, of the product of the independent rest."""
    parents = sorted({g.unless.parent for c in space.choices for g in c.guards if _distant(c, g)})
    options = [space.by_name[name].options for name in parents]
    return sum(_count_given(space, dict(zip(parents, fixed, strict=True))) for fixed in product(*options))


def _distant(choice: Choice, guard: Guard) -> bool:
    """Whether the guard looks past the choice's own parent, where the tree cannot follow."""
    return all(guard.unless.parent != condition.parent for condition in choice.when)


def _count_given(space: SearchSpace, fixed: dict[str, Value]) -> int:
    roots = [c for c in space.choices if not c.when]
    in_quota = {name for quota in space.quotas for name in quota.choices}
    free = prod(_tree(space, c, fixed) for c in roots if c.name not in in_quota)
    return free * prod(
        _quota_ways(space, quota.choices, quota.value, quota.minimum, fixed) for quota in space.quotas
    )


def _tree(space: SearchSpace, choice: Choice, fixed: dict[str, Value]) -> int:
    """Points of ``choice`` and everything under it."""
    return sum(_under(space, choice, option, fixed) for option in _open(choice, fixed))


def _under(space: SearchSpace, choice: Choice, option: Value, fixed: dict[str, Value]) -> int:
    children = [c for c in space.choices if c.when and c.when[-1].parent == choice.name]
    known = {**fixed, choice.name: option}
    return prod(_tree(space, c, known) for c in children if option in c.when[-1].values)


def _open(choice: Choice, fixed: dict[str, Value]) -> tuple[Value, ...]:
    return (fixed[choice.name],) if choice.name in fixed else choice.allowed(fixed)


def _quota_ways(
    space: SearchSpace, names: tuple[str, ...], value: Value, minimum: int, fixed: dict[str, Value]
) -> int:
    """Points of the quota's choices with at least ``minimum`` at ``value``: one polynomial a choice."""
    ways = [1]  # ways[k]: points in which k of the choices so far keep the value
    for choice in (space.by_name[name] for name in names):
        kept = sum(_under(space, choice, o, fixed) for o in _open(choice, fixed) if o == value)
        other = _tree(space, choice, fixed) - kept
        ways = [a * other + b * kept for a, b in zip([*ways, 0], [0, *ways], strict=True)]
    return sum(ways[minimum:])
