"""What one search was asked to do, apart from the model and the bounds."""

from dataclasses import dataclass

from autocompress.study.evaluation import RUNGS, Rung


@dataclass(frozen=True)
class Budget:
    """When to stop: after so many candidates at the first quality rung, or so many seconds of searching."""

    trials: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.trials is None and self.seconds is None:
            raise ValueError("a budget needs trials or seconds")
        if (self.trials is not None and self.trials < 0) or (self.seconds is not None and self.seconds <= 0):
            raise ValueError(f"a budget cannot be negative, got {self}")

    def spent(self, trials: int, seconds: float) -> bool:
        return (self.trials is not None and trials >= self.trials) or (
            self.seconds is not None and seconds >= self.seconds
        )


@dataclass(frozen=True)
class Settings:
    """``rungs`` are the quality rungs in use, cheapest first; ``eta`` the share 1 / eta that rises from each.

    ``reference`` bounds the hypervolume, one loss an objective; by default 1.1 times the teacher's free
    losses (or the bound on that quantity, when it is lower) and ``quality_reference`` for the rest.
    ``reuse`` starts from every candidate that another search of the same space and teacher has evaluated;
    ``seeded`` tells Optuna's samplers single decisions and the solver's points before they propose any.
    """

    seed: int = 0
    workers: int = 1
    sampler: str = "auto"
    rungs: tuple[Rung, ...] = ("divergence",)
    eta: float = 3.0
    finalists: int = 12
    reference: tuple[float, ...] | None = None
    quality_reference: float = 1.0
    reuse: bool = True
    seeded: bool = True

    def __post_init__(self) -> None:
        order = [RUNGS.index(r) for r in self.rungs]
        if not order or order != sorted(set(order)) or order[0] == 0:
            raise ValueError(f"rungs must be some of {RUNGS[1:]}, cheapest first; got {self.rungs}")
        if self.workers < 1 or self.eta <= 1.0:
            raise ValueError(f"workers must be at least 1 and eta above 1, got {self.workers} and {self.eta}")
