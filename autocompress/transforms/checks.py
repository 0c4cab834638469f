"""Everything by which a candidate does not fit a teacher, found before any weight is touched."""

from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.space import Candidate
from autocompress.transforms.decisions import (
    COMPUTES,
    RECIPE,
    STORAGES,
    one_of,
    unknown,
)
from autocompress.transforms.techniques import GPT_TECHNIQUES, SOVITS_TECHNIQUES
from autocompress.transforms.units import ENCODERS

_GPT_LAYER = ("gpt.keep", "gpt.heads", "gpt.ffn", "gpt.rank")
_SOVITS_ROLES = ("sovits.prior", "sovits.flow", "sovits.vocoder")


def candidate_faults(gpt: GptConfig, sovits: SovitsConfig, candidate: Candidate) -> list[str]:
    """Faults of both halves, and decisions that belong to neither nor to the recipe."""
    names = [*gpt_decisions(gpt), *sovits_decisions(sovits), *RECIPE]
    known = Candidate({name: value for name, value in candidate.values.items() if name in names})
    return unknown(candidate, names) + _gpt_faults(gpt, known) + _sovits_faults(sovits, known)


def gpt_faults(config: GptConfig, candidate: Candidate) -> list[str]:
    """Faults of a GPT half's decisions."""
    return unknown(candidate, gpt_decisions(config)) or _gpt_faults(config, candidate)


def sovits_faults(config: SovitsConfig, candidate: Candidate) -> list[str]:
    """Faults of a SoVITS half's decisions."""
    return unknown(candidate, sovits_decisions(config)) or _sovits_faults(config, candidate)


def gpt_decisions(config: GptConfig) -> list[str]:
    """Every decision that a teacher of these sizes knows."""
    layers = range(len(config.blocks))
    own = [f"{name}.{i}" for name in _GPT_LAYER for i in layers]
    roles = _gpt_roles(config)
    storage = [f"storage.{role}" for role in (*roles, "gpt.embedding", "gpt.head")]
    return [*own, *storage, *(f"compute.{role}" for role in roles)]


def sovits_decisions(config: SovitsConfig) -> list[str]:
    stages = range(len(config.hifigan.stages) if config.hifigan else 0)
    prior = [f"sovits.prior.{encoder}.{what}" for encoder in ENCODERS for what in ("depth", "heads", "ffn")]
    flow = [f"sovits.flow.{what}" for what in ("couplings", "wn_layers", "channels")]
    vocoder = [f"sovits.vocoder.{what}.{s}" for what in ("channels", "kernels") for s in stages]
    vocoder += [f"sovits.vocoder.{what}" for what in ("module", "hidden", "pre")]
    precision = [f"{kind}.{role}" for kind in ("storage", "compute") for role in _SOVITS_ROLES]
    return [*prior, *flow, *vocoder, "storage.sovits.embedding", *precision]


def _gpt_faults(config: GptConfig, candidate: Candidate) -> list[str]:
    faults = [f for technique in GPT_TECHNIQUES for f in technique.requires(config, candidate)]
    return faults + _precision_faults(candidate, gpt_decisions(config), _gpt_roles(config))


def _sovits_faults(config: SovitsConfig, candidate: Candidate) -> list[str]:
    faults = [f for technique in SOVITS_TECHNIQUES for f in technique.requires(config, candidate)]
    return faults + _precision_faults(candidate, sovits_decisions(config), _SOVITS_ROLES)


def _gpt_roles(config: GptConfig) -> list[str]:
    return [f"gpt.{part}.{i}" for part in ("attention", "ffn") for i in range(len(config.blocks))]


def _precision_faults(
    candidate: Candidate, names: list[str], roles: tuple[str, ...] | list[str]
) -> list[str]:
    faults = one_of(candidate, [name for name in names if name.startswith("storage.")], STORAGES)
    faults += one_of(candidate, [name for name in names if name.startswith("compute.")], COMPUTES)
    return faults + [
        f"compute.{role}=dynamic-int8 needs storage.{role}=int8 or int4: its kernel reads integers"
        for role in roles
        if candidate.get(f"compute.{role}", "fp32") == "dynamic-int8"
        and candidate.get(f"storage.{role}", "fp32") not in ("int8", "int4")
    ]
