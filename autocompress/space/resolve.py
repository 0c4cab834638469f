"""A search-space file against one teacher: patterns become decision groups, ratios become widths."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

from autocompress.errors import SpaceError
from autocompress.space.candidate import Value
from autocompress.space.choice import Choice, Condition, Guard
from autocompress.space.options import BUILDERS, Options, round_width, spread_layers
from autocompress.space.protect import Protection, protected
from autocompress.space.searchspace import SearchSpace, nearest
from autocompress.space.spec import ChoiceSpec, ProtectSpec, SpaceSpec, read_space

Dimensions = Mapping[str, int | Sequence[int]]
_SLOT = re.compile(r"\{(\w+)([+-]\d+)?\}")


def load_space(source: str | Path, dimensions: Dimensions, override: Iterable[str] = ()) -> SearchSpace:
    """Read the space ``source`` and resolve it against a teacher's ``dimensions``.

    ``override`` names entries of ``[protect]`` that the user lifts.
    """
    return resolve(read_space(source), dimensions, override)


def resolve(spec: SpaceSpec, dimensions: Dimensions, override: Iterable[str] = ()) -> SearchSpace:
    """Resolve ``spec`` against a teacher's ``dimensions``; a :class:`SpaceError` lists all faults."""
    whole, spec = spec, possible(spec, dimensions)
    faults = _dimension_faults(spec, dimensions)
    if faults:
        raise _error(spec, faults)
    choices = [choice for entry in spec.choice for choice in _expand(entry, dimensions)]
    faults = _tree_faults(choices)
    protection = protected(spec.protect, choices, frozenset(override))
    faults += protection.faults
    left_out = {entry.name for entry in whole.choice} - {entry.name for entry in spec.choice}
    faults += _cost_faults(spec, [*(c.name for c in choices), *left_out], dimensions)
    if faults:
        raise _error(spec, faults)
    return _assemble(spec, protection, dimensions)


def possible(spec: SpaceSpec, dimensions: Dimensions) -> SpaceSpec:
    """Without the options that this teacher cannot have, and without choices that wait for nothing else."""
    gone = {
        (entry.name, option)
        for entry in spec.choice
        for option, dimension in entry.only_with.items()
        if dimension not in dimensions
    }
    kept = []
    for entry in spec.choice:
        waits = [(parent, value) for parent, values in entry.when.items() for value in values]
        if waits and gone.issuperset(waits):
            gone |= {(entry.name, option) for option in entry.options or () if isinstance(option, str)}
            continue
        options = entry.options
        if entry.only_with and options is not None:
            options = tuple(o for o in options if (entry.name, o) not in gone)
        kept.append(entry.model_copy(update={"options": options}))
    dropped = {entry.name for entry in spec.choice} - {entry.name for entry in kept}
    protect = {name: _without(floor, dropped) for name, floor in spec.protect.items()}
    return spec.model_copy(update={"choice": tuple(kept), "protect": protect})


def _without(floor: ProtectSpec, dropped: Collection[str]) -> ProtectSpec:
    """A choice that this teacher cannot have needs no floor."""
    return floor.model_copy(update={"choices": tuple(n for n in floor.choices if n not in dropped)})


def _assemble(spec: SpaceSpec, protection: Protection, dimensions: Dimensions) -> SearchSpace:
    return SearchSpace(
        name=spec.name,
        choices=protection.choices,
        quotas=protection.quotas,
        factors=_factors(spec, protection.choices, dimensions),
        dimensions=dict(dimensions),
        erases=spec.erases,
        floors=protection.floors,
    )


def _expand(spec: ChoiceSpec, dimensions: Dimensions) -> list[Choice]:
    if not spec.each:
        return [_choice(spec, "", "", (), dimensions)]
    slot, dimension = next(iter(spec.each.items()))
    return [
        _choice(spec, slot, _label(members), members, dimensions)
        for members in _groups(int(_number(dimensions[dimension])), spec.groups)
    ]


def _choice(
    spec: ChoiceSpec, slot: str, label: str, members: tuple[int, ...], dimensions: Dimensions
) -> Choice:
    own = dimensions[spec.of] if spec.of else None
    options = _options(spec, members, own)
    parents = {_fill(p, slot, label): tuple(values) for p, values in spec.when.items()}
    return Choice(
        name=_fill(spec.name, slot, label),
        options=options.values,
        ordered=options.ordered,
        role=spec.role,
        decides=tuple(_decisions(spec, slot, members, i, options, own) for i in range(len(options.values))),
        when=tuple(Condition(parent, values) for parent, values in parents.items()),
        guards=tuple(_need(option, parents, values, options) for option, values in spec.needs.items()),
        inherited=spec.inherited,
        start=spec.default,
    )


def _options(spec: ChoiceSpec, members: tuple[int, ...], own: Any) -> Options:
    """The options; a run of unlike widths (``own`` is a list) is decided by their common ratio."""
    if spec.ratios is not None and len(members) > 1 and not isinstance(own, int):
        return Options(tuple(dict.fromkeys([1.0, *sorted(spec.ratios, reverse=True)])), ordered=True)
    one = own if isinstance(own, int | None) or spec.kind == "subset" else own[members[0]]
    return BUILDERS[spec.kind](spec, one)


def _need(option: Value, parents: Mapping[str, Any], values: tuple[Any, ...], options: Options) -> Guard:
    parent = next(iter(parents))
    return Guard((option,), Condition(parent, tuple(values)), options.values[0], f"{option} needs {parent}")


def _decisions(
    spec: ChoiceSpec, slot: str, members: tuple[int, ...], position: int, options: Options, own: Any
) -> Mapping[str, Value]:
    """What one option decides, index by index; nothing where it leaves the teacher as it is."""
    option = options.values[position]
    pattern = spec.decides or spec.name
    if spec.inherited and position == 0:
        return {}
    if spec.kind == "depth":
        total = int(options.values[0])
        gone = sorted(set(range(total)) - spread_layers(int(option), total))
        return {pattern.replace("{layer}", str(i)): False for i in gone}
    if not members:
        return {pattern: option}
    decided = {_fill(pattern, slot, str(i)): _width_of(spec, option, own, i) for i in members}
    teachers = {_fill(pattern, slot, str(i)): _teachers(spec, own, i) for i in members}
    return {name: value for name, value in decided.items() if value != teachers[name]}


def _width_of(spec: ChoiceSpec, option: Value, own: Any, index: int) -> Value:
    if isinstance(option, float) and spec.ratios is not None and not isinstance(own, int):
        return round_width(option * own[index], spec.multiple_of, own[index])
    return option


def _teachers(spec: ChoiceSpec, own: Any, index: int) -> Value | None:
    """The teacher's own width at ``index``, where there is one."""
    if spec.ratios is None:
        return None
    return int(own) if isinstance(own, int) else int(own[index])


def _groups(total: int, groups: int | None) -> list[tuple[int, ...]]:
    """Indices 0..total-1 in ``groups`` runs of nearly equal length; one index a run without ``groups``."""
    count = min(groups or total, total)
    cuts = [round(i * total / count) for i in range(count + 1)] if count else []
    return [tuple(range(a, b)) for a, b in pairwise(cuts)]


def _label(members: tuple[int, ...]) -> str:
    return str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}"


def _fill(pattern: str, slot: str, label: str) -> str:
    """``{slot}`` by the label; ``{slot-1}`` by a neighbour of a plain index."""

    def shifted(match: re.Match[str]) -> str:
        if match.group(1) != slot:
            return match.group(0)
        return str(int(label) + int(match.group(2))) if match.group(2) else label

    return _SLOT.sub(shifted, pattern)


def _factors(
    spec: SpaceSpec, choices: Sequence[Choice], dimensions: Dimensions
) -> tuple[tuple[str, ...], ...]:
    """Sets of choices whose costs depend on each other; a choice in none of them stands alone."""
    free = [c.name for c in choices if len(c.options) > 1]
    factors = []
    for cost in spec.cost:
        for patterns in _cost_patterns(cost.choices, cost.each, dimensions):
            members = tuple(n for n in free if any(fnmatchcase(n, p) for p in patterns))
            factors += [members] if members else []
    covered = {name for factor in factors for name in factor}
    unique = tuple(dict.fromkeys(factors))
    return (*unique, *((name,) for name in free if name not in covered))


def _cost_patterns(
    patterns: Sequence[str], each: Mapping[str, str], dimensions: Dimensions
) -> list[list[str]]:
    if not each:
        return [list(patterns)]
    slot, dimension = next(iter(each.items()))
    return [[_fill(p, slot, str(i)) for p in patterns] for i in range(int(_number(dimensions[dimension])))]


def _number(value: int | Sequence[int]) -> int:
    return value if isinstance(value, int) else len(value)


def _dimension_faults(spec: SpaceSpec, dimensions: Dimensions) -> list[str]:
    wanted = {d for c in spec.choice for d in (*c.each.values(), *([c.of] if c.of else []))}
    wanted |= {d for c in spec.cost for d in c.each.values()}
    return [
        f"the teacher has no dimension {name!r}; nearest known: {nearest(name, dimensions)!r}"
        for name in sorted(wanted - set(dimensions))
    ]


def _tree_faults(choices: Sequence[Choice]) -> list[str]:
    """Names used twice, empty choices, and conditions on what is unknown, later, or never true."""
    faults: list[str] = []
    seen: dict[str, Choice] = {}
    for choice in choices:
        if choice.name in seen:
            faults.append(f"choice {choice.name}: named twice")
        if not choice.options:
            faults.append(f"choice {choice.name}: no option is left against this teacher")
        faults += [f for c in choice.when for f in _condition_faults(choice.name, c, seen)]
        seen[choice.name] = choice
    return faults


def _condition_faults(name: str, condition: Condition, seen: Mapping[str, Choice]) -> list[str]:
    if condition.parent not in seen:
        hint = nearest(condition.parent, seen)
        return [f"choice {name}: when names {condition.parent!r}, not an earlier choice; nearest: {hint!r}"]
    options = seen[condition.parent].options
    strange = [v for v in condition.values if v not in options]
    return [f"choice {name}: {condition.parent} never has {v!r}; it has {list(options)}" for v in strange]


def _cost_faults(spec: SpaceSpec, names: Sequence[str], dimensions: Dimensions) -> list[str]:
    faults = []
    for cost in spec.cost:
        filled = _cost_patterns(cost.choices, cost.each, dimensions)
        for pattern, *tries in zip(cost.choices, *filled, strict=True):
            if tries and not any(fnmatchcase(n, t) for n in names for t in tries):
                faults.append(f"cost: {pattern!r} matches no choice; nearest: {_near(pattern, names)!r}")
    return faults


def _near(pattern: str, names: Sequence[str]) -> str:
    return nearest(pattern, dict.fromkeys(names))


def _error(spec: SpaceSpec, faults: Sequence[str]) -> SpaceError:
    lines = "\n".join(f"  - {fault}" for fault in faults)
    return SpaceError(f"search space {spec.name!r}: {len(faults)} fault(s)\n{lines}")
