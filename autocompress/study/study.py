"""A search in a run folder: opened, run, resumed, and read as a front."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import autocompress
from autocompress.errors import RunError
from autocompress.objectives import Measurement
from autocompress.space import Candidate, Point, SearchSpace
from autocompress.study.archive import Archive
from autocompress.study.encoding import Encoding
from autocompress.study.evaluation import Evaluate, Evaluation, Rung, Task
from autocompress.study.fingerprint import Fingerprint
from autocompress.study.front import Front, nearest_trial
from autocompress.study.lock import run_lock
from autocompress.study.loop import Loop, Parts, Progress
from autocompress.study.pool import make_workers, timed
from autocompress.study.run_store import name_run, run_name, store_url
from autocompress.study.samplers import Pick, SamplerContext, make_sampler, pick_sampler
from autocompress.study.sensitivity import SensitivityTable, measure_sensitivity
from autocompress.study.settings import Budget, Settings
from autocompress.study.store import EvaluationStore, entry
from autocompress.study.trial import Trial

_TRIALS_UNKNOWN = 200  # what a sampler plans for when the budget is in seconds
_ROOM = 1.1  # the default reference lies a tenth beyond the teacher


@dataclass(frozen=True)
class _Opened:
    """What a run was begun with: points that others had evaluated, and the trials that were planned."""

    points: tuple[Point, ...]
    trials: int


@dataclass(frozen=True)
class Study:
    """One search: what is searched, by what it is judged, and where it is kept.

    ``folder`` holds the lock, the files of the front and, unless ``storage`` names another SQLAlchemy URL,
    the store.
    """

    space: SearchSpace
    task: Task
    evaluate: Evaluate
    fingerprint: Fingerprint
    folder: Path
    settings: Settings = field(default_factory=Settings)
    storage: str | None = None

    @property
    def url(self) -> str:
        return self.storage or store_url(self.folder)

    @property
    def name(self) -> str:
        """Name of the run within its store."""
        return run_name(self.folder)

    @cached_property
    def store(self) -> EvaluationStore:
        self.folder.mkdir(parents=True, exist_ok=True)
        return EvaluationStore(self.url)

    def run(self, budget: Budget, watch: Callable[[Progress], None] = lambda _: None) -> Front:
        """Search until ``budget`` is spent; called again after an interruption it goes on.

        A :class:`RunError` when another search holds the folder, or when the folder belongs to another
        request.
        """
        with run_lock(self.folder):
            name_run(self.folder)
            opened = self._open(budget)
            pick = self.pick
            loop = self._loop(pick, opened)
            try:
                loop.go(budget, watch)
            finally:
                loop.parts.workers.close()
            front = self._front(list(loop.trials.values()), loop.parts.archive, pick)
            self._write(front)
        return front

    @property
    def pick(self) -> Pick:
        """The sampler that this study uses, and why."""
        free = self._teacher_at("free")
        return pick_sampler(self.settings.sampler, [o.key for o in self.task.objectives if o.key not in free])

    def trials(self) -> list[Trial]:
        """Every saved trial, finished or not."""
        return self.store.trials(self.name)

    @cached_property
    def teacher(self) -> dict[str, Measurement]:
        """The teacher's own values at every rung in use, measured once and kept in the store."""
        seen: dict[str, Measurement] = {}
        rungs: tuple[Rung, ...] = ("free", *self.settings.rungs)
        for rung in rungs:
            seen |= self._teacher_at(rung)
        return seen

    @cached_property
    def reference(self) -> tuple[float, ...]:
        """The hypervolume's corner: fixed before the first trial."""
        if self.settings.reference is not None:
            return self.settings.reference
        free = self._teacher_at("free")
        bounds = {c.key: c.limit for c in self.task.constraints if c.side == "max"}
        return tuple(
            min(_ROOM * free[o.key].value, bounds.get(o.key, float("inf")))
            if o.key in free
            else self.settings.quality_reference
            for o in self.task.objectives
        )

    def sensitivity(self, checks: int = 16) -> SensitivityTable:
        """The sensitivity table at the first quality rung; what is in the store is not measured again."""
        key = next(o for o in self.task.objectives if o.key not in self._teacher_at("free"))

        def loss(candidate: Candidate) -> float | None:
            seen = self._measured(candidate, self.settings.rungs[0])
            return key.loss(seen.measurements[key.key].value) if not seen.failure else None

        return measure_sensitivity(Encoding(self.space), loss, checks, self.settings.seed)

    def _measured(self, candidate: Candidate, rung: Rung) -> Evaluation:
        """The evaluation from the store, or made now and kept there."""
        key = self.fingerprint.key(candidate, rung, self.settings.seed)
        result = self.store.get(key)
        if result is None:
            result = timed(self.evaluate, candidate, rung, self.settings.seed)
            self.store.save([entry(key, candidate, rung, result)])
        return result

    def _teacher_at(self, rung: Rung) -> Mapping[str, Measurement]:
        result = self._measured(Candidate(), rung)
        if result.failure:
            raise RunError(f"the teacher itself fails at rung {rung!r}: {result.failure}")
        return result.measurements

    def _open(self, budget: Budget) -> "_Opened":
        """Refuse a folder that was made for another request; what the run was begun with.

        The points that other searches have evaluated and the number of trials that its sampler plans for are
        fixed when the run begins: resumed, or given a larger budget, it starts from the same ones.
        """
        asked = self._request()
        kin = {key: asked[key] for key in ("space", "space_size", "dimensions", "teacher")}
        points = self.store.points(kin) if self.settings.reuse else []
        begun = {"points": [dict(p) for p in points], "trials": budget.trials or _TRIALS_UNKNOWN}
        known = self.store.open_run(self.name, asked | begun)
        other = [key for key in asked if known.get(key) != asked[key]]
        if other:
            lines = "\n".join(f"  - {k}: was {known.get(k)!r}, now {asked[k]!r}" for k in other)
            raise RunError(
                f"run folder {self.folder} belongs to another search:\n{lines}\n"
                "Give another --out (what is measured is shared through --storage), or ask the same again."
            )
        return _Opened(
            tuple(p for p in known["points"] if self._evaluated(p)), known.get("trials", begun["trials"])
        )

    def _evaluated(self, point: Point) -> bool:
        """Whether the quality of ``point`` is in the store for this teacher, data and code."""
        candidate = self.space.candidate(self.space.repair(point))
        key = self.fingerprint.key(candidate, self.settings.rungs[0], self.settings.seed)
        return self.store.get(key) is not None

    def _request(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "space": self.space.name,
            "space_size": str(self.space.size),
            "dimensions": {
                k: list(v) if isinstance(v, list | tuple) else v for k, v in self.space.dimensions.items()
            },
            "objectives": [o.key for o in self.task.objectives],
            "constraints": [str(c) for c in self.task.constraints],
            "teacher": self.fingerprint.teacher,
            "device": self.fingerprint.device,
            "seed": settings.seed,
            "workers": settings.workers,
            "sampler": settings.sampler,
            "seeded": settings.seeded,
            "rungs": list(settings.rungs),
        }

    def _loop(self, pick: Pick, opened: "_Opened") -> Loop:
        seed = self.settings.seed
        context = SamplerContext(
            self.space, self.task, seed, self.evaluate, self.reference, opened.trials, self.settings.seeded
        )
        parts = Parts(
            self.space,
            self.task,
            self.evaluate,
            self.fingerprint,
            make_sampler(pick.name, context),
            make_workers(self.evaluate, self.settings.workers),
            self.store,
            Archive(self.reference),
        )
        return Loop(self.name, parts, replace(self.settings, sampler=pick.name), opened.points)

    def _front(self, trials: list[Trial], archive: Archive, pick: Pick) -> Front:
        by_number = {t.number: t for t in trials}
        members = sorted(
            (by_number[m.number] for m in archive.members), key=lambda t: t.losses(self.task) or ()
        )
        return Front(
            task=self.task,
            trials=tuple(members),
            teacher=self.teacher,
            reference=self.reference,
            history=tuple(archive.history),
            nearest=None if members else nearest_trial(trials, self.task),
            provenance=self._provenance(pick),
        )

    def _provenance(self, pick: Pick) -> dict[str, Any]:
        return self._request() | {
            "autocompress": autocompress.__version__,
            "sampler": pick.name,
            "sampler_reason": pick.reason,
            "data": self.fingerprint.data,
            "code": dict(self.fingerprint.code),
            "floors_lifted": [f.name for f in self.space.floors if f.lifted],
        }

    def _write(self, front: Front) -> None:
        """The front's files, each complete or absent."""
        for name, text in (("front.csv", front.to_csv()), ("front.json", front.to_json())):
            draft = self.folder / f".{name}.draft"
            try:
                draft.write_text(text, encoding="utf-8")
                draft.replace(self.folder / name)
            except OSError as error:
                raise RunError(
                    f"cannot write {self.folder / name}: {error.strerror}. Every evaluation is kept; make "
                    "room and run the same command again."
                ) from error
