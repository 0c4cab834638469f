"""Reading a candidate: which decisions a teacher knows, and whether their values fit it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from autocompress.space import Candidate, Value

STORAGES = ("fp32", "fp16", "int8", "int4")
COMPUTES = ("fp32", "dynamic-int8", "fp16-device")
GPT_PREFIXES = ("gpt", "storage.gpt", "compute.gpt")
SOVITS_PREFIXES = ("sovits", "storage.sovits", "compute.sovits")
RECIPE = ("recipe.steps", "recipe.temperature", "recipe.soft_weight")


def indexed(candidate: Candidate, prefix: str) -> dict[int, Value]:
    """Index → value of every decision ``prefix.{index}``."""
    start = f"{prefix}."
    found = {name.removeprefix(start): v for name, v in candidate.values.items() if name.startswith(start)}
    return {int(index): value for index, value in found.items() if index.isdecimal()}


def whole(name: str, value: Value, most: int, least: int = 1) -> list[str]:
    """Faults of a count of what is kept: a whole number from ``least`` to the teacher's own."""
    if isinstance(value, bool) or not isinstance(value, int):
        return [f"{name}={value!r} is not a whole number"]
    if not least <= value <= most:
        return [f"{name}={value}: the teacher has {most}, and at least {least} must stay"]
    return []


def wholes(candidate: Candidate, limits: Mapping[str, int]) -> list[str]:
    """:func:`whole` for each decision that the candidate names, against the teacher's own number."""
    return [f for name, most in limits.items() if name in candidate.values
            for f in whole(name, candidate.values[name], most)]  # fmt: skip


def one_of(candidate: Candidate, names: Iterable[str], allowed: tuple[str, ...]) -> list[str]:
    """Faults of the named decisions whose value is not in ``allowed``."""
    return [
        f"{name}={candidate.values[name]!r} is not one of {', '.join(allowed)}"
        for name in names
        if name in candidate.values and candidate.values[name] not in allowed
    ]


def unknown(candidate: Candidate, known: Iterable[str]) -> list[str]:
    """A fault for each decision that this teacher has no place for."""
    names = list(known)
    return [
        f"unknown decision {name!r}; nearest known: {get_close_matches(name, names, 1, 0.0)}"
        for name in candidate.values
        if name not in names
    ]


def number(candidate: Candidate, name: str, teacher: int) -> int:
    """A decided count, at most the teacher's own."""
    value = candidate.get(name, teacher)
    assert isinstance(value, int), f"{name} was not checked"
    return min(value, teacher)
