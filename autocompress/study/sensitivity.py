"""The sensitivity table: what each decision loses alone, measured once, and how well the losses add up."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autocompress.space import Candidate, Value
from autocompress.study.encoding import Encoding, Rows
from autocompress.study.program import Floats, Quality
from autocompress.study.screening import single_row, without

Loss = Callable[[Candidate], float | None]
"""Loss of quality of a candidate at the table's rung; None when it failed."""

_FAILED = 10.0  # a decision that breaks the model alone is this many times worse than the worst that does not


@dataclass(frozen=True)
class Cell:
    """One decision: the ``option`` of ``choice`` alone loses ``loss``; ``failed`` when it broke the model."""

    choice: str
    option: Value
    loss: float
    failed: bool = False


@dataclass(frozen=True)
class Correction:
    """True loss is about ``scale * sum ** power``, fitted on random combinations.

    ``rank_correlation`` (Spearman) says how far the sum can be trusted to order candidates; ``error_before``
    and ``error_after`` are medians of the relative error without and with the correction.
    """

    scale: float
    power: float
    rank_correlation: float
    error_before: float
    error_after: float

    def loss(self, total: Floats) -> Floats:
        return np.asarray(self.scale * np.maximum(total, 0.0) ** self.power)


@dataclass(frozen=True)
class SensitivityTable:
    """Cells by choice and option, the random combinations that checked them, and the fitted correction."""

    cells: tuple[Cell, ...]
    checks: tuple[tuple[float, float], ...] = field(repr=False)  # (sum of cells, measured)
    correction: Correction

    def quality(self, encoding: Encoding) -> Quality:
        """Losses as the solver takes them: one array a choice, zero at the teacher's own option."""
        by_choice = {(c.choice, str(c.option)): c.loss for c in self.cells}
        return [
            np.array([by_choice.get((choice.name, str(option)), 0.0) for option in choice.options])
            for choice in encoding.choices
        ]

    def rows(self) -> list[dict[str, Any]]:
        """One row a cell, for a heat map."""
        return [
            {"choice": c.choice, "option": c.option, "loss": c.loss, "failed": c.failed} for c in self.cells
        ]

    def to_dict(self) -> dict[str, Any]:
        return {
            "cells": self.rows(),
            "checks": [list(c) for c in self.checks],
            "correction": vars(self.correction),
        }

    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> "SensitivityTable":
        cells = tuple(Cell(**row) for row in fields["cells"])
        checks = tuple((float(a), float(b)) for a, b in fields["checks"])
        return SensitivityTable(cells, checks, Correction(**fields["correction"]))


def measure_sensitivity(encoding: Encoding, loss: Loss, checks: int = 16, seed: int = 0) -> SensitivityTable:
    """Measure every option of every choice alone, then ``checks`` random combinations of them.

    ``loss`` is called once for each; give one that remembers, and the table costs nothing the second time.
    """
    cells = tuple(_cells(encoding, loss))
    bare = SensitivityTable(cells, (), Correction(1.0, 1.0, 1.0, 0.0, 0.0))
    pairs = tuple(_check(encoding, bare.quality(encoding), loss, checks, seed))
    return SensitivityTable(cells, pairs, fit_correction(pairs))


def combinations(encoding: Encoding, count: int, seed: int) -> Rows:
    """Random combinations from mild to harsh: in row k a growing share of the choices leaves the teacher."""
    generator = np.random.default_rng((seed, 271))
    shares = np.linspace(0.1, 0.9, count)[:, None]
    drawn = generator.integers(0, encoding.n_options, size=(count, len(encoding.choices)))
    changed = generator.random(drawn.shape) < shares
    return encoding.repair(np.where(changed, drawn, encoding.teacher))


def fit_correction(checks: Iterable[tuple[float, float]]) -> Correction:
    """Least squares on a log scale; the identity when there are too few combinations to tell."""
    from scipy.stats import spearmanr  # half a second, which `plan` would wait for

    pairs = np.array([c for c in checks if c[0] > 0 and c[1] > 0]).reshape(-1, 2)
    if len(pairs) < 4:
        return Correction(1.0, 1.0, 1.0, 0.0, 0.0)
    total, measured = pairs.T
    power, log_scale = np.polyfit(np.log(total), np.log(measured), 1)
    scale = float(np.exp(log_scale))
    after = scale * total**power
    return Correction(
        scale=scale,
        power=float(power),
        rank_correlation=float(spearmanr(total, measured).statistic),
        error_before=float(np.median(np.abs(total - measured) / measured)),
        error_after=float(np.median(np.abs(after - measured) / measured)),
    )


def _cells(encoding: Encoding, loss: Loss) -> Iterable[Cell]:
    raw = [_cell(encoding, i, o, loss) for i, o in _decisions(encoding)]
    worst = max((c.loss for c in raw if not c.failed), default=1.0)
    return (Cell(c.choice, c.option, _FAILED * worst, True) if c.failed else c for c in raw)


def _decisions(encoding: Encoding) -> Iterable[tuple[int, int]]:
    """Every option that is not the teacher's own, the recipe's left out."""
    for i, choice in enumerate(encoding.choices):
        if choice.component != "recipe":
            own = choice.index(choice.default)
            yield from ((i, o) for o in range(len(choice.options)) if o != own)


def _cell(encoding: Encoding, i: int, option: int, loss: Loss) -> Cell:
    """The option's own share: what it loses beyond what had to be opened for it."""
    row = single_row(encoding, i, option)
    choice = encoding.choices[i]
    whole, rest = _loss(encoding, row, loss), _loss(encoding, without(encoding, i, row), loss)
    if whole is None or rest is None:
        return Cell(choice.name, choice.options[option], 0.0, failed=True)
    return Cell(choice.name, choice.options[option], max(0.0, whole - rest))


def _check(
    encoding: Encoding, quality: Quality, loss: Loss, count: int, seed: int
) -> Iterable[tuple[float, float]]:
    for row in combinations(encoding, count, seed):
        measured = _loss(encoding, row, loss)
        if measured is not None:
            yield sum(float(q[o]) for q, o in zip(quality, row, strict=True) if o >= 0), measured


def _loss(encoding: Encoding, row: Rows, loss: Loss) -> float | None:
    """Loss of a row, the teacher's own taken as zero."""
    candidate = encoding.space.candidate(encoding.decode(row))
    plain = Candidate({n: v for n, v in candidate.values.items() if not n.startswith("recipe.")})
    return 0.0 if not plain.values else loss(candidate)
