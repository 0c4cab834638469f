"""Samplers by name, and the choice of one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autocompress.errors import RequestError
from autocompress.study.samplers.random import RandomSampler
from autocompress.study.samplers.sampler import Outcome, Proposal, Sampler, SamplerContext

__all__ = [
    "SAMPLERS",
    "Outcome",
    "Pick",
    "Proposal",
    "RandomSampler",
    "Sampler",
    "SamplerContext",
    "make_sampler",
    "pick_sampler",
]


def _optuna(name: str) -> Callable[[SamplerContext], Sampler]:
    def make(context: SamplerContext) -> Sampler:
        from autocompress.study.samplers.optuna import OptunaSampler
        from autocompress.study.samplers.seeded import SeededSampler

        plain = OptunaSampler(context, name)
        return SeededSampler(context, plain) if context.seeded else plain

    return make


def _nni(name: str) -> Callable[[SamplerContext], Sampler]:
    def make(context: SamplerContext) -> Sampler:
        from autocompress.study.samplers.nni import NniSampler

        return NniSampler(context, name)

    return make


def _solver(context: SamplerContext) -> Sampler:
    from autocompress.study.samplers.solver import SolverSampler

    return SolverSampler(context)


SAMPLERS: dict[str, Callable[[SamplerContext], Sampler]] = {
    "random": RandomSampler,
    "nsga2": _optuna("nsga2"),
    "nsga3": _optuna("nsga3"),
    "tpe": _optuna("tpe"),
    "gp": _optuna("gp"),
    "solver": _solver,
    "nni-tpe": _nni("nni-tpe"),
    "nni-evolution": _nni("nni-evolution"),
    "nni-random": _nni("nni-random"),
}
"""Every sampler by the name that a user gives."""


@dataclass(frozen=True)
class Pick:
    """A sampler's name, and why it was picked."""

    name: str
    reason: str


def pick_sampler(name: str, unknown: Sequence[str]) -> Pick:
    """The sampler that the user named, or for ``auto`` the one that fits, with the reason.

    ``unknown`` are the objectives that only an evaluation tells; the others are free.
    """
    if name == "auto":
        return _fitting(unknown)
    if name not in SAMPLERS:
        raise RequestError(f"unknown sampler {name!r}. Give auto or one of {', '.join(SAMPLERS)}.")
    return Pick(name, "asked for")


def _fitting(unknown: Sequence[str]) -> Pick:
    if not unknown:
        return Pick("nsga2", "every objective is known without an evaluation, so there is nothing to learn")
    if len(unknown) == 1:
        return Pick(
            "solver",
            f"only {unknown[0]} has to be measured: the budget solver knows every other cost, so evaluations "
            "go where a front can still grow (ahead of every other sampler in results/search)",
        )
    return Pick(
        "nsga2", f"{' and '.join(unknown)} have to be measured, and the solver believes one loss only"
    )


def make_sampler(name: str, context: SamplerContext) -> Sampler:
    return SAMPLERS[name](context)
