"""The feasible non-dominated trials so far, and the hypervolume they reach."""

from dataclasses import dataclass

from autocompress.objectives import dominates, hypervolume


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
        self._volume: float | None = 0.0  # None while it has to be computed anew

    def add(self, number: int, losses: tuple[float, ...]) -> bool:
        """Whether the trial joined the front; of equal points the first stays."""
        if any(m.losses == losses or dominates(m.losses, losses) for m in self.members):
            return False
        self.members = [m for m in self.members if not dominates(losses, m.losses)]
        self.members.append(Member(number, losses))
        self._volume = None
        return True

    def note(self, evaluations: int) -> float:
        """Record the hypervolume after so many evaluations."""
        if self._volume is None:
            self._volume = hypervolume([m.losses for m in self.members], self.reference)
        self.history.append((evaluations, self._volume))
        return self._volume
