"""How much to train, and how: what a recipe, a user and a clock decide together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autocompress.errors import RequestError
from autocompress.request.duration import read_duration
from autocompress.space import Candidate


@dataclass(frozen=True)
class Within:
    """As many steps as ``seconds`` hold, the teacher's lessons included."""

    seconds: float


Steps = int | Literal["auto"] | Within

AUTO_STEPS = 300
"""Steps of a candidate whose recipe names none."""
AUTO_LIMIT_S = 240.0
"""``auto`` trains no longer than this, the teacher's lessons included; a given number of steps is kept to."""
MOST_STEPS = 1_000_000
"""No time holds more."""
LEAST_STEPS = 20
"""Fewer steps than these are not worth a stage."""


def warm_steps(steps: int) -> int:
    """Steps over which the learning rate of a stage of ``steps`` rises."""
    return min(20, max(4, steps // 10))


@dataclass(frozen=True)
class TrainingSettings:
    """``steps`` an integer, or "auto": the recipe's (at least ``AUTO_STEPS``), as many as ``limit_s`` holds;
    or a time of its own.

    ``recordings``: a folder or .list to learn from beside what the teacher says itself. ``prune_ratio`` is
    the share of a teacher's width that a round removes; ``qat`` and ``progressive`` can be left out.
    """

    steps: Steps = "auto"
    limit_s: float = AUTO_LIMIT_S
    recordings: Path | None = None
    seed: int = 0
    prune_ratio: float = 0.05
    progressive: bool = True
    qat: bool = True
    gpt_batch: int = 4
    sovits_batch: int = 4
    n_lessons: int | None = None
    n_held_out: int = 4
    threads: int | None = None  # None: as many as torch has now
    new_vocoder: bool = False  # the spare one is untrained: it is what is to be learnt

    def __post_init__(self) -> None:
        if isinstance(self.steps, int) and self.steps < 0:
            raise RequestError(f"distil steps {self.steps}: give auto, 0 for none, or a number of steps.")
        if not 0 < self.prune_ratio <= 1:
            raise RequestError(f"prune_ratio {self.prune_ratio}: give a share above 0 and at most 1.")

    @property
    def timed(self) -> bool:
        return not isinstance(self.steps, int)

    @property
    def time_s(self) -> float:
        """What a timed training may take."""
        return self.steps.seconds if isinstance(self.steps, Within) else self.limit_s


@dataclass(frozen=True)
class Recipe:
    """What a candidate says about its training: wished steps, temperature, weight of the hard labels."""

    steps: int = 0
    temperature: float = 5.0
    hard_weight: float = 0.4

    @classmethod
    def of(cls, candidate: Candidate) -> "Recipe":
        soft = float(candidate.get("recipe.soft_weight", 0.6))
        return cls(
            int(candidate.get("recipe.steps", 0)),
            float(candidate.get("recipe.temperature", 5.0)),
            round(1.0 - soft, 6),
        )

    def wished(self, steps: Steps) -> int:
        """Steps before the clock is asked."""
        if isinstance(steps, Within):
            return MOST_STEPS
        return max(self.steps, AUTO_STEPS) if steps == "auto" else steps


def read_steps(word: str, option: str = "--distil-steps") -> Steps:
    """ "auto" → "auto", "300" → 300, "90m" → 5400 s; anything else is a RequestError."""
    plain = word.strip().lower()
    if plain == "auto":
        return "auto"
    if plain.isascii() and plain.isdecimal():
        return int(plain)
    if seconds := read_duration(plain):
        return Within(seconds)
    raise RequestError(f"{option} {word!r}: give auto, 0 for none, steps such as 300, or a time such as 90m.")
