"""Floors under the sensitive parts: which options they close, and until when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from autocompress.space.candidate import Value
from autocompress.space.choice import Choice, Condition, Guard, Quota
from autocompress.space.searchspace import Floor, nearest
from autocompress.space.spec import ProtectSpec


@dataclass(frozen=True)
class Protection:
    """The choices with their protections applied, and what was wrong with these."""

    choices: tuple[Choice, ...]
    quotas: tuple[Quota, ...]
    floors: tuple[Floor, ...]
    faults: list[str]


def protected(
    specs: Mapping[str, ProtectSpec], choices: Sequence[Choice], override: frozenset[str]
) -> Protection:
    """Apply every protection that is not overridden by name."""
    known = {c.name: c for c in choices}
    faults = [
        f"no protection is named {n!r}; nearest: {nearest(n, specs)!r}" for n in sorted(override - set(specs))
    ]
    quotas: list[Quota] = []
    for name, spec in specs.items():
        matched = [n for n in known if any(fnmatchcase(n, p) for p in spec.choices)]
        faults += _faults(name, spec, matched, known)
        if name in override or faults:
            continue
        if spec.keep is not None:
            quotas.append(_quota(name, spec, matched, known))
        for choice in matched:
            known[choice] = _limited(known[choice], spec)
    faults += [
        f"choice {c.name}: the protections close every option" for c in known.values() if not c.options
    ]
    floors = tuple(Floor(n, s.choices, s.reason, n in override) for n, s in specs.items())
    return Protection(tuple(known.values()), tuple(quotas), floors, faults)


def _limited(choice: Choice, spec: ProtectSpec) -> Choice:
    """``choice`` without the options that the protection closes; guarded ones stay, under a condition."""
    closed = tuple(v for v in choice.options if _closes(spec, choice, v))
    if not closed or spec.keep is not None:
        return choice
    if spec.unless:
        parent, values = next(iter(spec.unless.items()))
        open_options = [v for v in choice.options if v not in closed]
        guard = Guard(closed, Condition(parent, tuple(values)), open_options[-1], spec.reason)
        return replace(choice, guards=(*choice.guards, guard))
    left = [i for i, v in enumerate(choice.options) if v not in closed]
    options = tuple(choice.options[i] for i in left)
    return replace(
        choice,
        options=options,
        guards=tuple(_narrowed(guard, options) for guard in choice.guards if options),
        decides=tuple(choice.decides[i] for i in left),
    )


def _narrowed(guard: Guard, options: tuple[Value, ...]) -> Guard:
    """The guard over what is left of its choice's options."""
    closed = tuple(v for v in guard.closed if v in options)
    return replace(guard, closed=closed, fallback=guard.fallback if guard.fallback in options else options[0])


def _closes(spec: ProtectSpec, choice: Choice, value: Value) -> bool:
    if spec.allow is not None and value not in spec.allow:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float) or not choice.ordered:
        return False
    teacher = float(choice.options[0])
    below = spec.floor is not None and float(value) < spec.floor * teacher
    return below or float(value) > spec.ceiling * teacher


def _quota(name: str, spec: ProtectSpec, matched: Sequence[str], known: Mapping[str, Choice]) -> Quota:
    minimum = -int(-(spec.keep or 0.0) * len(matched) // 1)  # rounded up
    return Quota(name, tuple(matched), known[matched[0]].default, minimum, spec.reason)


def _faults(
    name: str, spec: ProtectSpec, matched: Sequence[str], known: Mapping[str, Choice]
) -> Iterable[str]:
    for pattern in spec.choices:
        if not any(fnmatchcase(n, pattern) for n in known):
            yield f"protect.{name}: {pattern!r} matches no choice; nearest: {nearest(pattern, known)!r}"
    for parent in spec.unless:
        if parent not in known or known[parent].when:
            yield f"protect.{name}: unless names {parent!r}, not an unconditional choice of this space"
    for choice in (known[n] for n in matched):
        if choice.options and all(_closes(spec, choice, v) for v in choice.options):
            yield f"protect.{name}: closes every option of {choice.name}, {list(choice.options)}"
