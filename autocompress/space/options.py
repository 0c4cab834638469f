"""Options of one decision group, from the teacher's dimension and the file's ratios or lists."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autocompress.space.candidate import Value
from autocompress.space.spec import ChoiceSpec

Builder = Callable[[ChoiceSpec, Any], "Options"]


@dataclass(frozen=True)
class Options:
    """Values from the teacher's own (first) to the smallest, and whether their order means something."""

    values: tuple[Value, ...]
    ordered: bool


def round_width(width: float, multiple_of: int, teacher: int) -> int:
    """``width`` to the nearest multiple that runs well, at least one multiple, at most the teacher's own."""
    multiple = max(1, round(width / multiple_of)) * multiple_of
    return min(teacher, multiple)


def _flag(spec: ChoiceSpec, _: Any) -> Options:
    return Options((True, False), ordered=True)


def _categorical(spec: ChoiceSpec, _: Any) -> Options:
    return Options(tuple(spec.options or ()), ordered=False)


def _ordinal(spec: ChoiceSpec, _: Any) -> Options:
    return Options(tuple(spec.options or ()), ordered=True)


def _int(spec: ChoiceSpec, _: Any) -> Options:
    low, high = spec.low or 0, spec.high or 0
    return Options(tuple(range(low, high + 1, spec.step)), ordered=True)


def _width(spec: ChoiceSpec, teacher: Any) -> Options:
    widths = (round_width(r * int(teacher), spec.multiple_of, int(teacher)) for r in spec.ratios or ())
    return Options(_unique([int(teacher), *sorted(widths, reverse=True)]), ordered=True)


def _subset(spec: ChoiceSpec, teacher: Any) -> Options:
    own = list(teacher)
    kept = [[item for item in option if item in own] for option in spec.options or ()]
    return Options(_unique(["-".join(map(str, option)) for option in [own, *kept] if option]), ordered=True)


BUILDERS: dict[str, Builder] = {
    "flag": _flag,
    "categorical": _categorical,
    "ordinal": _ordinal,
    "int": _int,
    "width": _width,
    "count": _width,
    "subset": _subset,
    "depth": _width,
}
"""How each kind of choice makes its options."""


def spread_layers(kept: int, total: int) -> frozenset[int]:
    """Indices of ``kept`` layers spread evenly over ``total``; the first and the last stay when two do."""
    if kept == 1:
        return frozenset({0})
    return frozenset(round(i * (total - 1) / (kept - 1)) for i in range(kept))


def _unique(values: Sequence[Any]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(values))
