"""The front of a search that was interrupted: what it had found so far stays usable."""

from collections.abc import Sequence

from autocompress.objectives import front_mask, hypervolume
from autocompress.study import RUNGS, Front, Study, Trial
from autocompress.study.front import nearest_trial


def save_interim_front(study: Study) -> Front:
    """Write ``front.json`` and ``front.csv`` from the trials in the store."""
    front = interim_front(study)
    for name, text in (("front.csv", front.to_csv()), ("front.json", front.to_json())):
        draft = study.folder / f".{name}.draft"
        draft.write_text(text, "utf-8")
        draft.replace(study.folder / name)
    return front


def interim_front(study: Study) -> Front:
    """The non-dominated trials of the highest rung that any feasible one has reached."""
    trials = study.trials()
    feasible = [
        t for t in trials if t.state == "complete" and not any(x > 0 for x in t.excess(study.task).values())
    ]
    reached = max((RUNGS.index(t.rung) for t in feasible), default=0)
    members = _front([t for t in feasible if RUNGS.index(t.rung) == reached], study)
    volume = hypervolume([t.losses(study.task) or () for t in members], study.reference) if members else 0.0
    return Front(
        task=study.task,
        trials=tuple(members),
        teacher=study.teacher,
        reference=study.reference,
        history=((len(trials), volume),),
        nearest=None if members else nearest_trial(trials, study.task),
        provenance={
            "interrupted": True,
            "teacher": study.fingerprint.teacher,
            "device": study.fingerprint.device,
        },
    )


def _front(trials: Sequence[Trial], study: Study) -> list[Trial]:
    scored = [(t, losses) for t in trials if (losses := t.losses(study.task)) is not None]
    if not scored:
        return []
    mask = front_mask([losses for _, losses in scored])
    kept = [pair for pair, member in zip(scored, mask, strict=True) if member]
    return [t for t, _ in sorted(kept, key=lambda pair: pair[1])]
