"""Progressive pruning: a little width a round, training after each, a step back where it costs too much."""

from dataclasses import dataclass, replace
from pathlib import Path

from autocompress.production.craft import Craft, N
from autocompress.production.settings import LEAST_STEPS
from autocompress.production.stage import Outcome, Report, StagePlan, finished, run_stage

SETTLING = 0.25
"""The share of the steps that follows the last round."""
SMALLEST = 0.25
"""A round is never made smaller than this share of the first, nor so small that it has too few steps."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class PruningPlan:
    """``ratio`` of the teacher's width a round, ``steps`` over all rounds, in ``folder``."""

    folder: Path
    steps: int
    ratio: float = 0.05

    def first_round(self, deepest: float) -> float:
        """The planned ratio, or more where the steps would not fill the rounds."""
        return max(self.ratio, self._worth_while(deepest))

    def smallest_round(self, deepest: float) -> float:
        """Halving ends here: at 4 steps a round nothing is learnt, however little is cut in each."""
        return max(SMALLEST * self.first_round(deepest), self._worth_while(deepest))

    def _worth_while(self, deepest: float) -> float:
        return deepest * LEAST_STEPS / max(1, self.steps)


def narrow(craft: Craft[N], start: Outcome[N], plan: PruningPlan, report: Report) -> Outcome[N]:
    """``start`` brought to the candidate's widths, round by round.

    A round's share is its part of what pruning at once, without training, would cost. One that costs more,
    and more than is negligible, is undone and tried again at half the size, down to the smallest.
    """
    decisions = craft.decisions
    deepest = decisions.deepest
    at_once = craft.loss(craft.shape(start.network, decisions.at(deepest))) - start.loss
    size = plan.first_round(deepest)
    least, current, at, number, notes = plan.smallest_round(deepest), start, 0.0, 0, []
    while deepest - at > _ROUNDING:
        number += 1
        step = min(size, deepest - at)
        stage = StagePlan(plan.folder / f"round-{number:02d}", _steps(plan, step / deepest), milestones=1)
        outcome = finished(craft, stage) or run_stage(
            craft, craft.shape(current.network, decisions.at(at + step)), stage, report
        )
        notes += [f"round {number}: {outcome.note}"] if outcome.note else []
        share = max(craft.negligible, at_once * step / deepest)
        if outcome.loss - current.loss > share and step > least + _ROUNDING:
            size = max(least, step / 2)
            notes.append(
                f"round {number} cost more than its share and was undone; {size:.2%} a round from here"
            )
            continue
        current, at = outcome, at + step
    return replace(settled(craft, current, plan, report), note="; ".join(notes))


def settled(craft: Craft[N], current: Outcome[N], plan: PruningPlan, report: Report) -> Outcome[N]:
    """What is left of the steps, at the final widths."""
    stage = StagePlan(plan.folder / "settle", max(1, round(plan.steps * SETTLING)))
    return run_stage(craft, current.network, stage, report)


def _steps(plan: PruningPlan, share: float) -> int:
    return max(1, round(plan.steps * (1 - SETTLING) * share))
