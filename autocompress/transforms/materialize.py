"""A candidate made real: all techniques in one order, then storage, then the network.

Order: what is inside a layer (heads, widths, channels, kernels), then low rank, then depth, then storage.
Depth comes after everything inside, so that each decision finds its layer by the teacher's own index; storage
comes last, so that what is rounded is what is stored. Compute precision changes no weight.

With a calibration, what stays takes over what goes, step by step (see ``reconstruction``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.space import Candidate
from autocompress.transforms.building import build_gpt, build_sovits
from autocompress.transforms.checks import candidate_faults, gpt_faults, sovits_faults
from autocompress.transforms.compute import kernel
from autocompress.transforms.decisions import GPT_PREFIXES, SOVITS_PREFIXES
from autocompress.transforms.gpt_depth import kept_layers
from autocompress.transforms.importance import UNSEEN, Importance, gpt_importance, sovits_importance
from autocompress.transforms.storage import gpt_ahead, sovits_ahead, store_gpt, store_sovits
from autocompress.transforms.student import GptHalf, SovitsHalf, Student
from autocompress.transforms.technique import C, Model, Technique, refuse
from autocompress.transforms.techniques import GPT_TECHNIQUES, SOVITS_TECHNIQUES
from autocompress.transforms.weights import without_inputs


class Networks(Protocol):
    """Anything with both networks, such as ``models.teacher.Teacher``."""

    @property
    def gpt(self) -> Gpt: ...

    @property
    def sovits(self) -> Sovits: ...


@dataclass(frozen=True, eq=False)
class Calibration:
    """Importance of both halves' units; without it they are weighed by magnitude."""

    gpt: Importance | None = None
    sovits: Importance | None = None


def materialize(teacher: Networks, candidate: Candidate, calibration: Calibration | None = None) -> Student:
    """The student that ``candidate`` describes, with weights inherited from ``teacher`` and not yet trained.

    Raises SpaceError that lists every decision that the teacher cannot follow. The teacher is not changed.
    """
    refuse(candidate_faults(teacher.gpt.config, teacher.sovits.config, candidate), candidate)
    scores = calibration or Calibration()
    return Student(
        candidate,
        materialize_gpt(teacher.gpt, gpt_part(candidate), scores.gpt),
        materialize_sovits(teacher.sovits, sovits_part(candidate), scores.sovits),
    )


def gpt_part(candidate: Candidate) -> Candidate:
    """The decisions of the GPT's half; its id is what the half's scores are kept under."""
    return candidate.part(GPT_PREFIXES)


def sovits_part(candidate: Candidate) -> Candidate:
    """The decisions of the SoVITS half."""
    return candidate.part(SOVITS_PREFIXES)


def materialize_gpt(gpt: Gpt, candidate: Candidate, importance: Importance | None = None) -> GptHalf:
    """The GPT's half alone. Decisions of other parts are left aside."""
    part = gpt_part(candidate)
    model, notes = _shaped_gpt(gpt, part, importance)
    layers = kept_layers(gpt.config, part)
    stored = store_gpt(model.weights, part, layers)
    network = build_gpt(model.config, stored.weights)
    return GptHalf(network, part, stored.tensors, _gpt_kernels(part, layers), notes)


def materialize_sovits(
    sovits: Sovits, candidate: Candidate, importance: Importance | None = None
) -> SovitsHalf:
    """The SoVITS half alone. Decisions of other parts are left aside."""
    part = sovits_part(candidate)
    model, notes = _shaped_sovits(sovits, part, importance)
    stored = store_sovits(model.weights, part)
    network = build_sovits(model.config, stored.weights, freeze_quantizer=sovits.freeze_quantizer)
    return SovitsHalf(network, part, stored.tensors, _sovits_kernels(part), notes)


def unrounded_gpt(gpt: Gpt, candidate: Candidate, importance: Importance | None = None) -> Gpt:
    """The GPT's half before storage: its weights give :func:`materialize_gpt`'s when they are rounded."""
    model, _ = _shaped_gpt(gpt, gpt_part(candidate), importance)
    return build_gpt(model.config, without_inputs(model.weights))


def unrounded_sovits(sovits: Sovits, candidate: Candidate, importance: Importance | None = None) -> Sovits:
    """The SoVITS half before storage, as :func:`unrounded_gpt`."""
    model, _ = _shaped_sovits(sovits, sovits_part(candidate), importance)
    weights = without_inputs(model.weights)
    return build_sovits(model.config, weights, freeze_quantizer=sovits.freeze_quantizer)


def student_configs(
    gpt: GptConfig, sovits: SovitsConfig, candidate: Candidate
) -> tuple[GptConfig, SovitsConfig]:
    """The sizes that :func:`materialize` would leave, without any weights; for counting costs.

    Exact when the teacher's layers are alike; else which layers stay may depend on the weights.
    """
    refuse(candidate_faults(gpt, sovits, candidate), candidate)
    for technique in GPT_TECHNIQUES:
        gpt = technique.sizes(gpt, candidate, UNSEEN)
    for other in SOVITS_TECHNIQUES:
        sovits = other.sizes(sovits, candidate, UNSEEN)
    return gpt, sovits


def _shaped_gpt(
    gpt: Gpt, part: Candidate, importance: Importance | None
) -> tuple[Model[GptConfig], tuple[str, ...]]:
    """Of the decided sizes, and ready for the decided storage."""
    refuse(gpt_faults(gpt.config, part), part)
    scores = importance or _weigh_gpt(gpt, part)
    model, notes = _apply(GPT_TECHNIQUES, Model.of(gpt, scores), part, scores)
    return Model(model.config, gpt_ahead(model.weights, part, kept_layers(gpt.config, part))), notes


def _shaped_sovits(
    sovits: Sovits, part: Candidate, importance: Importance | None
) -> tuple[Model[SovitsConfig], tuple[str, ...]]:
    refuse(sovits_faults(sovits.config, part), part)
    scores = importance or _weigh_sovits(sovits, part)
    model, notes = _apply(SOVITS_TECHNIQUES, Model.of(sovits, scores), part, scores)
    return Model(model.config, sovits_ahead(model.weights, part)), notes


def _apply(
    techniques: Sequence[Technique[C]], model: Model[C], candidate: Candidate, importance: Importance
) -> tuple[Model[C], tuple[str, ...]]:
    """All techniques in order. What they require is checked by now; the end is loaded strictly."""
    applied = []
    for technique in techniques:
        result = technique.transformed(model, candidate, importance)
        model = result.model
        applied += [technique.name] if result.modified else []
    chosen = f"units chosen by {importance.criterion}"
    return model, (f"applied {', '.join(applied)}; {chosen}",) if applied else ()


def _weigh_gpt(gpt: Gpt, candidate: Candidate) -> Importance:
    """Magnitudes, when anything is to be chosen by them."""
    model = Model(gpt.config, {})
    return gpt_importance(gpt) if _anything(GPT_TECHNIQUES, model, candidate) else UNSEEN


def _weigh_sovits(sovits: Sovits, candidate: Candidate) -> Importance:
    model = Model(sovits.config, {})
    return sovits_importance(sovits) if _anything(SOVITS_TECHNIQUES, model, candidate) else UNSEEN


def _anything(techniques: Sequence[Technique[C]], model: Model[C], candidate: Candidate) -> bool:
    return any(technique.changes(model.config, candidate) for technique in techniques)


def _gpt_kernels(candidate: Candidate, layers: Sequence[int]) -> dict[str, str]:
    """Kernels by the student's own layers; decisions name the teacher's."""
    roles = {
        f"{part}.{i}": f"gpt.{part}.{old}" for i, old in enumerate(layers) for part in ("attention", "ffn")
    }
    return {own: k for own, role in roles.items() if (k := _kernel_of(candidate, role)) is not None}


def _sovits_kernels(candidate: Candidate) -> dict[str, str]:
    roles = [f"sovits.{part}" for part in ("prior", "flow", "vocoder")]
    return {role: k for role in roles if (k := _kernel_of(candidate, role)) is not None}


def _kernel_of(candidate: Candidate, role: str) -> str | None:
    compute, storage = (str(candidate.get(f"{kind}.{role}", "fp32")) for kind in ("compute", "storage"))
    found = kernel(compute, storage)
    return "MatMulInteger" if found == "MatMulNBits" and role.startswith("sovits") else found
