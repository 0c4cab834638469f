"""How much to train, and how: what a recipe, a user and a clock decide together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autocompress.errors import RequestError
from autocompress.space import Candidate

Steps = int | Literal["auto"]

AUTO_STEPS = 300
"""Steps of a candidate whose recipe names none."""
AUTO_LIMIT_S = 240.0
"""``auto`` trains no longer than this, the teacher's lessons included; a given number of steps is kept to."""
LEAST_STEPS = 20
"""Fewer steps than these are not worth a stage."""
RATE, QAT_RATE = 4e-4, 3e-5
"""Peak learning rates; a rounded student is close to its teacher already, and 2e-4 drove it away."""


@dataclass(frozen=True)
class TrainingSettings:
    """``steps`` an integer, or "auto": the recipe's (at least ``AUTO_STEPS``), as many as ``limit_s`` holds.

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

    def __post_init__(self) -> None:
        if self.steps != "auto" and self.steps < 0:
            raise RequestError(f"distil steps {self.steps}: give auto, 0 for none, or a number of steps.")
        if not 0 < self.prune_ratio <= 1:
            raise RequestError(f"prune_ratio {self.prune_ratio}: give a share above 0 and at most 1.")

    @property
    def timed(self) -> bool:
        return self.steps == "auto"


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
        return max(self.steps, AUTO_STEPS) if steps == "auto" else steps


def read_steps(word: str) -> Steps:
    """ "auto" → "auto", "300" → 300; anything else is a RequestError."""
    if word.strip().lower() == "auto":
        return "auto"
    if not word.strip().isdecimal():
        raise RequestError(
            f"--distil-steps {word!r}: give auto, 0 for none, or a number of steps such as 300."
        )
    return int(word)
