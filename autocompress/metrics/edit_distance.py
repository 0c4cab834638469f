"""How one sequence became another: substitutions, deletions and insertions of least number."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edits:
    """Counts of the cheapest way from the expected sequence to the observed one (Levenshtein 1966)."""

    substituted: int
    deleted: int
    inserted: int
    n_expected: int

    @property
    def error_rate(self) -> float:
        """Edits by expected length; above 1 when more was inserted than was expected."""
        return (self.substituted + self.deleted + self.inserted) / max(1, self.n_expected)


def count_edits(expected: Sequence[Hashable], observed: Sequence[Hashable]) -> Edits:
    """Least edits from ``expected`` to ``observed``; among equals, substitutions are preferred."""
    # A row holds (cost, substituted, deleted, inserted) of every prefix of ``observed``.
    row = [(n, 0, 0, n) for n in range(len(observed) + 1)]
    for n_deleted, wanted in enumerate(expected, start=1):
        diagonal, row[0] = row[0], (n_deleted, 0, n_deleted, 0)
        for column, seen in enumerate(observed, start=1):
            up, left = row[column], row[column - 1]
            differs = int(wanted != seen)
            best = min(
                (diagonal[0] + differs, diagonal[1] + differs, diagonal[2], diagonal[3]),
                (up[0] + 1, up[1], up[2] + 1, up[3]),
                (left[0] + 1, left[1], left[2], left[3] + 1),
                key=lambda path: path[0],
            )
            diagonal, row[column] = up, best
    _, substituted, deleted, inserted = row[-1]
    return Edits(substituted, deleted, inserted, len(expected))
