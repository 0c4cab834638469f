"""plan → search → produce: the composition root of the public functions."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocompress.hardware.library import load_profile
from autocompress.metrics.cost import CostModel
from autocompress.models.dimensions import teacher_dimensions
from autocompress.pipeline.interim import save_interim_front
from autocompress.pipeline.model_source import choose_model, load_model, model_of, model_sizes
from autocompress.pipeline.saved_plan import PLAN_FILE, find_plan, refuse_another, saved_model
from autocompress.pipeline.sensitivity import save_sensitivity
from autocompress.planner import ModelChoice, Plan, SearchSettings, make_plan
from autocompress.request import Request
from autocompress.space import Candidate, load_space
from autocompress.study import Budget, Front, Progress, Settings, Study, Task, Trial

if TYPE_CHECKING:
    from autocompress.bundle import Bundle
    from autocompress.models.teacher import Teacher
    from autocompress.production.settings import Steps

DEFAULT_SPACE = "gpt-sovits"

Watch = Callable[[Progress], None]
Stage = Callable[[str], None]


@dataclass(frozen=True)
class Search:
    """A finished search: its plan, its study, and the front that it found."""

    plan: Plan
    study: Study
    result: Front

    def front(self) -> Front:
        return self.result


def plan(
    request: Request | str,
    teacher: "Teacher | ModelChoice | str" = "reference",
    *,
    space: str | Path = DEFAULT_SPACE,
    override: Iterable[str] = (),
    settings: SearchSettings | None = None,
) -> Plan:
    """What a search for ``request`` would do, and whether the request can be met; runs nothing."""
    asked = Request.parse(request) if isinstance(request, str) else request
    model, loaded = _model(teacher)
    gpt, sovits = (loaded.gpt.config, loaded.sovits.config) if loaded else model_sizes(model)
    resolved = load_space(space, teacher_dimensions(gpt, sovits), override)
    costs = CostModel(gpt, sovits, load_profile(asked.device))
    chosen = settings or SearchSettings()
    return make_plan(
        asked,
        model,
        resolved,
        lambda candidate: {m.key: m for m in costs.cost(candidate).measurements()},
        chosen,
        rung_seconds(costs),
        loaded,
    )


def search(
    planned: Plan,
    out: str | Path,
    *,
    sensitivity: bool = False,
    watch: Watch = lambda _: None,
    stage: Stage = lambda _: None,
) -> Search:
    """Run the search of a plan in the folder ``out``; the same call resumes it.

    With ``sensitivity`` every decision is measured alone, too, for the heat map of the report.
    Raises InfeasibleError before anything runs when no candidate can hold the bounds.
    """
    since = time.monotonic()
    planned.require_feasible()
    from autocompress.pipeline.evaluator import CandidateEvaluator
    from autocompress.pipeline.fingerprints import fingerprint

    folder = Path(out)
    refuse_another(planned, folder)
    planned.save(folder / PLAN_FILE)
    stage("teacher")
    evaluator = CandidateEvaluator(planned.model, planned.request.device, planned.teacher)
    if not evaluator.data.spoken:  # no voice with a recording: judged by divergence alone
        planned = replace(planned, settings=replace(planned.settings, speech=False))
    evaluator.listens = planned.settings.speech
    profile = load_profile(planned.request.device)
    study = Study(
        space=planned.space,
        task=Task(planned.objectives, _judged(planned)),
        evaluate=evaluator,
        fingerprint=fingerprint(evaluator.teacher, evaluator.data.hash, profile),
        folder=folder,
        settings=_study_settings(planned),
        storage=planned.settings.storage,
    )
    stage("search")
    try:
        front = study.run(_budget_left(planned, time.monotonic() - since), watch)
    except KeyboardInterrupt:
        save_interim_front(study)
        raise
    stage("sensitivity")
    save_sensitivity(study, in_full=sensitivity)
    return Search(planned, study, front)


def produce(
    point: Trial | Candidate,
    out: str | Path,
    *,
    teacher: "Teacher | ModelChoice | str | None" = None,
    device: str | None = None,
    stage: Stage = lambda _: None,
    **options: Any,
) -> "Bundle":
    """The chosen point as a verified bundle in the folder ``out``.

    ``options``: voices, threads, speech, replacing, command, distil_steps ("auto", 0 for none, a number, or a
    time such as "90m"), recordings, fallback (``pipeline.delivery.DeliveryOptions``).
    Without ``teacher`` and ``device`` they are read from the ``plan.json`` of the run that ``out`` lies in.
    """
    from autocompress.pipeline.delivery import DeliveryOptions, deliver

    folder = Path(out)
    if teacher is None or device is None:
        known = find_plan(folder)
        teacher = teacher if teacher is not None else saved_model(known)
        device = device or known["device"]
    model, loaded = _model(teacher)
    candidate = point.candidate if isinstance(point, Trial) else point
    chosen = DeliveryOptions(**options)
    return deliver(loaded or load_model(model), candidate, folder, device, chosen, stage)


def compress(
    request: Request | str,
    teacher: "Teacher | ModelChoice | str" = "reference",
    out: str | Path = "results/compress",
    *,
    watch: Watch = lambda _: None,
    stage: Stage = lambda _: None,
    distil_steps: "Steps | str" = "auto",
    recordings: Path | None = None,
    **planning: Any,
) -> "Bundle":
    """A line in, a bundle out: plan, search, train and produce the best point. Everything lies in ``out``."""
    planned = plan(request, teacher, **planning)
    found = search(planned, out, watch=watch, stage=stage)
    best = found.front().best()
    source = planned.teacher or planned.model
    return produce(
        best,
        Path(out) / "bundle",
        teacher=source,
        device=planned.request.device,
        stage=stage,
        distil_steps=distil_steps,
        recordings=recordings,
    )


def rung_seconds(costs: CostModel) -> dict[str, float]:
    """About how long a candidate takes at each rung on one idle core, by the teacher's size.

    Fitted on the reference model (78 MB: 2.2 s teacher-forced, about 20 s to speak and hear eight sentences,
    about two minutes to train both halves for a moment).
    """
    weights_mb = costs.cost(Candidate()).size_bytes / 1e6
    return {
        "divergence": 0.5 + 0.022 * weights_mb,
        "speech": 4.0 + 0.2 * weights_mb,
        "distillation": 20.0 + 1.5 * weights_mb,
    }


def _model(teacher: "Teacher | ModelChoice | str") -> tuple[ModelChoice, "Teacher | None"]:
    if isinstance(teacher, str):
        return choose_model(teacher), None
    if isinstance(teacher, ModelChoice):
        return teacher, None
    return model_of(teacher), teacher


def _judged(planned: Plan) -> tuple[Any, ...]:
    """The bounds that the rungs in use can measure."""
    heard = {"similarity", "sid", "mos", "cer"}
    return tuple(c for c in planned.constraints if planned.settings.speech or c.key not in heard)


def _budget_left(planned: Plan, gone_s: float) -> Budget:
    """What getting ready has left of the time; a second at least, so that there is something to show."""
    seconds = planned.settings.seconds
    return Budget(planned.settings.trials, seconds and max(1.0, seconds - gone_s))


def _study_settings(planned: Plan) -> Settings:
    chosen = planned.settings
    return Settings(
        seed=chosen.seed,
        workers=chosen.workers,
        sampler=chosen.sampler,
        rungs=planned.rungs,  # type: ignore[arg-type]
        finalists=6,
    )
