"""distil → prune → quantization-aware training of one part of a model; each if the candidate asks for it."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Generic

import torch

from autocompress.models.training.trainer import Objective, save_whole
from autocompress.production.craft import Craft, N
from autocompress.production.progressive import PruningPlan, narrow
from autocompress.production.settings import TrainingSettings
from autocompress.production.stage import FINISHED, Outcome, Report, StagePlan, network_content, run_stage

SHARES = {"distil": 0.4, "prune": 0.5, "qat": 0.1}
"""Of the steps, where all stages run and rounding costs little."""
MOST_ROUNDING = 0.6
"""However much of the loss is rounding: what was cut has to be mended before it is rounded."""
PART_FILE = "part.pt"
_TIMED_STEPS = 3
_SHORT = 100  # steps; so short a training has no discriminators


@dataclass(frozen=True, eq=False)
class PartResult(Generic[N]):
    """A part after production. Losses are held-out, as delivered; ``trained``: whether training was kept."""

    network: N
    name: str
    unit: str
    steps: int
    stages: tuple[str, ...]
    untrained_loss: float
    trained_loss: float
    notes: tuple[str, ...] = ()

    @property
    def trained(self) -> bool:
        return self.trained_loss < self.untrained_loss

    def to_dict(self) -> dict[str, Any]:
        return {
            "part": self.name,
            "unit": self.unit,
            "steps": self.steps,
            "stages": list(self.stages),
            "untrained_loss": self.untrained_loss,
            "trained_loss": self.trained_loss,
            "kept": "trained" if self.trained else "untrained",
            "notes": list(self.notes),
        }


def stages_of(craft: Craft[N], settings: TrainingSettings) -> tuple[str, ...]:
    """Which stages the candidate calls for."""
    decisions = craft.decisions
    at_once = bool(decisions.widths) and not settings.progressive
    wanted = {
        "distil": bool(decisions.modules.values) or at_once,
        "prune": bool(decisions.widths) and settings.progressive,
        "qat": craft.quantizes and settings.qat,
    }
    return tuple(name for name, needed in wanted.items() if needed)


def steps_of(stages: Sequence[str], steps: int, lost_to_rounding: float) -> dict[str, int]:
    """Steps of each stage; ``lost_to_rounding``: the share that rounding has in the untrained student's loss.

    Quantization-aware training gets that share, between ``SHARES`` and ``MOST_ROUNDING``: a student that is
    whole until it is rounded has nothing to learn before.
    """
    weight = {name: SHARES[name] for name in stages}
    if "qat" in weight and len(weight) > 1:
        others = sum(weight.values()) - weight["qat"]
        least = weight["qat"] / (weight["qat"] + others)
        part = min(max(lost_to_rounding, least), MOST_ROUNDING)
        weight["qat"] = others * part / (1 - part)
    return {name: max(1, round(steps * share / sum(weight.values()))) for name, share in weight.items()}


def train_part(
    craft: Craft[N], untrained: N, steps: int, folder: Path, settings: TrainingSettings, report: Report
) -> PartResult[N]:
    """All stages of one part. The better of trained and ``untrained`` is returned: it never gets worse.

    A part that is finished is read from ``folder``, and only its result is left there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = _known(craft, folder / PART_FILE)
    return known or _kept(folder, _trained(craft, untrained, steps, folder, settings, report))


def _trained(
    craft: Craft[N], untrained: N, steps: int, folder: Path, settings: TrainingSettings, report: Report
) -> PartResult[N]:
    stages = stages_of(craft, settings)
    before = craft.loss(craft.delivered(untrained))
    divided = steps_of(stages, steps, _rounding(craft, stages, before))
    reached, notes = _run(craft, divided, folder, settings, report)
    after = craft.loss(craft.delivered(reached))
    if not after < before:
        notes.append(f"training did not help ({craft.unit} {before:.4g} became {after:.4g}): kept untrained")
    network = reached if after < before else untrained
    return PartResult(network, craft.name, craft.unit, steps, stages, before, after, tuple(notes))


def _rounding(craft: Craft[N], stages: Sequence[str], loss: float) -> float:
    """The share of ``loss``, the untrained student's, that it does not have before it is rounded."""
    if "qat" not in stages or len(stages) == 1 or not 0 < loss < math.inf:
        return 0.0
    return 1 - craft.loss(craft.shape(craft.teacher, craft.decisions.architecture)) / loss


def _kept(folder: Path, result: PartResult[N]) -> PartResult[N]:
    """The result is written whole first; only then the networks of its stages go."""
    facts = {f.name: getattr(result, f.name) for f in fields(result) if f.name != "network"}
    save_whole(network_content(result.network) | {"result": facts}, folder / PART_FILE)
    for path in folder.rglob(FINISHED):
        path.unlink()
    return result


def _known(craft: Craft[N], path: Path) -> PartResult[N] | None:
    if not path.is_file():
        return None
    saved = torch.load(path, weights_only=True)
    return PartResult(craft.built(saved["config"], saved["weights"]), **saved["result"])


def seconds_per_step(craft: Craft[N], settings: TrainingSettings, room_s: float) -> float:
    """Measured on the first stage's student, which is the slowest.

    Late steps of a training that fills ``room_s`` may cost more, for discriminators have joined: the mean of
    both then.
    """
    first = craft.decisions.modules if settings.progressive else craft.decisions.architecture
    network = craft.shape(craft.teacher, first)
    rounded = not craft.decisions.shapes_anything
    early = _timed(craft.objective(network, _SHORT, quantized=rounded, distance=0.0), 0)
    likely = int(room_s / early)
    if likely < _SHORT:
        return early
    trained = craft.objective(network, likely, quantized=rounded, distance=0.0)
    late = _timed(trained, likely - 1 - _TIMED_STEPS)
    return (early + late) / 2


def _timed(objective: Objective, first: int) -> float:
    """Seconds of a step after number ``first``, which is not counted: kernels are compiled then."""
    objective.step(first)
    since = time.perf_counter()
    for step in range(first + 1, first + 1 + _TIMED_STEPS):
        objective.step(step)
    return (time.perf_counter() - since) / _TIMED_STEPS


def _run(
    craft: Craft[N],
    steps: Mapping[str, int],
    folder: Path,
    settings: TrainingSettings,
    report: Report,
) -> tuple[N, list[str]]:
    """The stages of ``steps``, each with as many."""
    decisions, notes = craft.decisions, []
    first = decisions.modules if settings.progressive else decisions.architecture
    current = Outcome(craft.shape(craft.teacher, first), float("nan"))
    if "distil" in steps:
        current = run_stage(craft, current.network, StagePlan(folder / "1-distil", steps["distil"]), report)
        notes.append(current.note and f"distil: {current.note}")
    if "prune" in steps:
        start = Outcome(current.network, craft.loss(current.network))
        plan = PruningPlan(folder / "2-prune", steps["prune"], settings.prune_ratio)
        current = narrow(craft, start, plan, report)
        notes.append(current.note)
    if "qat" in steps:
        last = StagePlan(folder / "3-qat", steps["qat"], quantized=True)
        current = run_stage(craft, craft.ready_to_round(current.network), last, report)
        notes.append(current.note and f"qat: {current.note}")
        return current.network, [note for note in notes if note]
    return rounded_well(craft, current.network), [note for note in notes if note]


def rounded_well(craft: Craft[N], network: N) -> N:
    """``network``, or where its weights are moved for it to lose less when they are rounded."""
    if not craft.decisions.precision.values:
        return network
    moved = craft.ready_to_round(network)
    return min((network, moved), key=lambda one: craft.loss(craft.delivered(one)))
