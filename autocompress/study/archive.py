"""The feasible non-dominated trials so far, and the hypervolume they reach."""

from dataclasses import dataclass

import numpy as np

from autocompress.objectives import hypervolume


@dataclass(frozen=True)
class Member:
    number: int
    losses: tuple[float, ...]


class Archive:
    """Keeps a front under insertion. ``reference`` bounds its hypervolume and never moves."""

    def __init__(self, reference: tuple[float, ...]) -> None:
        self.reference = reference
        self.members: list[Member] = []
        self.history: list[tuple[int, float]] = []  # (evaluations so far, hypervolume)
        self._losses = np.empty((0, len(reference)))  # of the members, row by row
        self._volume: float | None = 0.0  # None while it has to be computed anew

    def add(self, number: int, losses: tuple[float, ...]) -> bool:
        """Whether the trial joined the front; of equal points the first stays."""
        new = np.array(losses)
        if (self._losses <= new).all(axis=1).any():
            return False
        kept = np.flatnonzero((new > self._losses).any(axis=1))
        self.members = [*(self.members[i] for i in kept), Member(number, losses)]
        self._losses = np.vstack([self._losses[kept], new])
        self._volume = None
        return True

    def note(self, evaluations: int) -> float:
        """Record the hypervolume after so many evaluations."""
        if self._volume is None:
            self._volume = hypervolume(self._losses, self.reference)
        self.history.append((evaluations, self._volume))
        return self._volume
