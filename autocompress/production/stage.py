"""One stage of training: milestones, the best kept, everything resumable from its folder."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic

import torch

from autocompress.models.serial import to_json
from autocompress.models.training.trainer import DivergedError, Progress, Schedule, save_whole, train
from autocompress.production.craft import Craft, Distillation, N
from autocompress.production.fake_quantization import plain_weights

DIVERGING = 2.0
"""A student this many times worse than at the start of the stage is on its way out: the stage ends."""
SAVE_EVERY_S = 60.0
FINISHED = "finished.pt"

Report = Callable[[str, Progress], None]


@dataclass(frozen=True, eq=False)
class Outcome(Generic[N]):
    """The best network of a stage, its loss, and what there is to say about it."""

    network: N
    loss: float
    note: str = ""


@dataclass(frozen=True)
class StagePlan:
    """``steps`` in ``folder``, judged at so many ``milestones``; ``quantized``: as the device computes."""

    folder: Path
    steps: int
    milestones: int = 3
    quantized: bool = False

    @property
    def marks(self) -> list[int]:
        return sorted({math.ceil(self.steps * (n + 1) / self.milestones) for n in range(self.milestones)})


def run_stage(craft: Craft[N], network: N, plan: StagePlan, report: Report) -> Outcome[N]:
    """Train ``network``; the best of start and milestones, judged on what nobody trained on.

    A stage that is finished is read from ``folder``; an interrupted one goes on from its last checkpoint.
    A student at a negligible distance is left alone: at any rate the first steps would take it further off.
    Losses that are not finite, or a student that runs away, end the stage with what was best before.
    """
    return finished(craft, plan) or _finish(plan.folder, _trained(craft, network, plan, report))


def finished(craft: Craft[N], plan: StagePlan) -> Outcome[N] | None:
    """What a stage has come to; None while it has not ended."""
    return load_network(craft, plan.folder / FINISHED)


def _trained(craft: Craft[N], network: N, plan: StagePlan, report: Report) -> Outcome[N]:
    plan.folder.mkdir(parents=True, exist_ok=True)
    start = Outcome(network, judged(craft, network, plan))
    if start.loss <= craft.negligible:
        return start
    best = load_network(craft, plan.folder / "best.pt") or start
    objective = craft.objective(network, plan.steps, quantized=plan.quantized, distance=start.loss)
    known = _read(plan.folder / "judged.jsonl")
    for mark in (mark for mark in plan.marks if mark not in known):
        schedule = Schedule(mark, max(1, min(10, plan.steps // 20)), SAVE_EVERY_S)
        try:
            train(
                objective, schedule, plan.folder, lambda p: report(craft.name, replace(p, total=plan.steps))
            )
        except DivergedError as error:
            return replace(best, note=f"diverged at step {error.step}; went back to the best before")
        reached = averaged(craft, objective)
        loss = judged(craft, reached, plan)
        best = _better(best, Outcome(reached, loss), plan.folder, craft.slack)
        if not loss < DIVERGING * start.loss:
            told = f"{craft.unit} {start.loss:.3g} became {loss:.3g}"
            return replace(best, note=f"ran away by step {mark} ({told}); went back to the best before")
        _write(plan.folder / "judged.jsonl", mark, loss)
    return best


def judged(craft: Craft[N], network: N, plan: StagePlan) -> float:
    return craft.loss(craft.delivered(network) if plan.quantized else network)


def averaged(craft: Craft[N], objective: Distillation) -> N:
    """The moving average of the weights in training as a network of its own."""
    model = objective.model
    weights = plain_weights({**model.state_dict(), **objective.average.values})
    return craft.built(to_json(model.config), weights)


def network_content(network: Any) -> dict[str, Any]:
    """Sizes and weights, as :meth:`Craft.built` takes them."""
    return {"config": to_json(network.config), "weights": network.state_dict()}


def save_network(path: Path, outcome: Outcome[N]) -> None:
    facts = {"loss": outcome.loss, "note": outcome.note}
    save_whole(network_content(outcome.network) | facts, path)


def load_network(craft: Craft[N], path: Path) -> Outcome[N] | None:
    """What :func:`save_network` wrote; None where nothing is."""
    if not path.is_file():
        return None
    saved = torch.load(path, weights_only=True)
    return Outcome(craft.built(saved["config"], saved["weights"]), saved["loss"], saved["note"])


def _finish(folder: Path, outcome: Outcome[N]) -> Outcome[N]:
    """The result is written whole first; only then the states that led to it go."""
    save_network(folder / FINISHED, outcome)
    for name in ("state.pt", "best.pt"):
        (folder / name).unlink(missing_ok=True)
    return outcome


def _better(best: Outcome[N], reached: Outcome[N], folder: Path, slack: float) -> Outcome[N]:
    if not reached.loss < best.loss * (1 + slack):
        return best
    save_network(folder / "best.pt", reached)
    return reached


def _read(path: Path) -> dict[int, float]:
    """Milestones that were judged; a last line cut off by a kill does not count."""
    rows: dict[int, float] = {}
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
            rows[int(row["step"])] = float(row["held_out"])
        except (ValueError, KeyError):
            continue
    return rows


def _write(path: Path, step: int, loss: float) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, "held_out": loss}) + "\n")
