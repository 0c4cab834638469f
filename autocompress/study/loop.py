"""The study: ask, evaluate, tell, until the budget is spent; killed anywhere, the same call goes on."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from autocompress.errors import RunError
from autocompress.objectives import Measurement
from autocompress.space import Candidate, Point, SearchSpace
from autocompress.study.archive import Archive
from autocompress.study.evaluation import Evaluate, Rung, Task
from autocompress.study.fingerprint import Fingerprint
from autocompress.study.pool import Pending, Workers
from autocompress.study.rungs import RungTable, Standing
from autocompress.study.samplers.sampler import Outcome, Proposal, Sampler
from autocompress.study.settings import Budget, Settings
from autocompress.study.store import EvaluationStore, entry
from autocompress.study.trial import Trial

KNOWN = "known"  # origin of a point that another search has evaluated: its quality is in the store
_BARREN_ASKS = 400  # proposals in a row that broke a free bound or were known: the space is exhausted
_FAILURES_IN_A_ROW = (
    8  # evaluations from the start that all failed: the evaluator is at fault, not the candidates
)


@dataclass(frozen=True)
class Progress:
    """What a progress bar shows after every evaluation."""

    trial: Trial
    evaluations: int
    hypervolume: float
    front_size: int
    seconds: float


@dataclass(frozen=True)
class Job:
    """An evaluation in flight."""

    trial: Trial
    rung: Rung
    key: str
    cached: bool
    pending: Pending
    since: float = 0.0  # of the monotonic clock


@dataclass
class Durations:
    """How long evaluations of a rung have taken so far."""

    count: int = 0
    total_s: float = 0.0

    def note(self, seconds: float) -> None:
        self.count, self.total_s = self.count + 1, self.total_s + seconds

    @property
    def mean_s(self) -> float:
        return self.total_s / self.count if self.count else 0.0


@dataclass(frozen=True)
class Parts:
    """What a loop works with; every one of them is made elsewhere."""

    space: SearchSpace
    task: Task
    evaluate: Evaluate
    fingerprint: Fingerprint
    sampler: Sampler
    workers: Workers
    store: EvaluationStore
    archive: Archive


class Loop:
    """Results are told in the order of their starts, and what starts next depends on told results only.

    So the same seed and number of workers give the same trials, however long each evaluation takes; and a
    resumed search replays itself from the store up to where it was killed.
    """

    def __init__(self, run: str, parts: Parts, settings: Settings, known: Sequence[Point] = ()) -> None:
        self.run = run
        self.parts = parts
        self.settings = settings
        self.trials: dict[int, Trial] = {}
        self.evaluations = 0
        self._rungs = RungTable(settings.rungs, settings.eta)
        self._numbers: dict[str, int] = {}  # candidate id -> number of its first trial
        self._inflight: deque[Job] = deque()
        self._seeds = deque(known)
        self._started = 0
        self._reasons: list[str] | None = []  # of the failures while nothing has succeeded
        self._saved = {t.number: t for t in parts.store.trials(run)}
        self._unsaved: list[Trial] = []
        self._durations: defaultdict[Rung, Durations] = defaultdict(Durations)
        self._before = parts.store.run_seconds(run)
        self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time spent on this run, earlier sessions included."""
        return self._before + time.monotonic() - self._since

    def go(self, budget: Budget, watch: Callable[[Progress], None] = lambda _: None) -> None:
        """Work until ``budget`` is spent, then let the front's members climb to the highest rung."""
        try:
            while self._fill(budget) or self._inflight:
                self._finish(self._inflight.popleft(), watch)
            while climbing := self._rungs.finalists(self.settings.finalists):
                for number, rung in climbing:
                    self._finish(self._start(self.trials[number], rung), watch)
        finally:
            self._flush()

    def _fill(self, budget: Budget) -> bool:
        """Keep every worker busy; whether anything is in flight."""
        while len(self._inflight) < self.parts.workers.count:
            rising = self._rungs.next_promotion()
            if rising is not None:
                self._inflight.append(self._start(self.trials[rising[0]], rising[1]))
                continue
            if not self._seeds and self._spent(budget):
                break
            trial = self._propose()
            if trial is None:
                break
            self._started += trial.origin != KNOWN
            self._inflight.append(self._start(trial, self.settings.rungs[0]))
        return bool(self._inflight)

    def _spent(self, budget: Budget) -> bool:
        """Whether nothing new may start: what is left of the time belongs to the front's last climb."""
        seconds = self.seconds
        most_s = self.settings.finalists * sum(rung.mean_s for rung in self._durations.values())
        if budget.seconds is not None and seconds + most_s >= budget.seconds:  # ranking all trials takes time
            climbs = self._rungs.climbs_left(self.settings.finalists)
            seconds += sum(count * self._durations[rung].mean_s for rung, count in climbs.items())
        return budget.spent(self._started, seconds)

    def _propose(self) -> Trial | None:
        """The next new candidate that holds the free bounds; nothing when the space seems exhausted."""
        for _ in range(_BARREN_ASKS + len(self._seeds)):
            number = len(self.trials)
            proposal = self._ask(number)
            candidate = self.parts.space.candidate(proposal.point)
            first = self._numbers.get(candidate.id)
            if first is not None:
                self._repeat(number, proposal.point, first)
                continue
            trial = self._weigh(number, proposal, candidate)
            if trial.state == "running":
                return trial
        return None

    def _ask(self, number: int) -> Proposal:
        if self._seeds:
            # Its quality costs nothing, and is worth knowing where it breaks a bound of this search, too.
            return Proposal(self.parts.space.repair(self._seeds.popleft()), KNOWN, always=True)
        return self.parts.sampler.ask(number)

    def _repeat(self, number: int, point: Point, first: int) -> None:
        """A known candidate: the sampler hears again what became of it, nothing is evaluated."""
        original = self.trials[first]
        self.trials[number] = replace(original, number=number, point=point, origin=f"repeat of {first}")
        self.parts.sampler.tell(number, point, self._outcome(original))

    def _weigh(self, number: int, proposal: Proposal, candidate: Candidate) -> Trial:
        """The free rung: a candidate that breaks a bound there goes no further."""
        free = self.parts.evaluate(candidate, "free", self.settings.seed)
        fresh = Trial(number, proposal.point, candidate, "free", "running", origin=proposal.origin)
        trial = fresh.risen("free", free)
        broken = not proposal.always and any(x > 0.0 for x in trial.excess(self.parts.task).values())
        trial = replace(trial, state=trial.state if free.failure else "infeasible" if broken else "running")
        self._numbers[candidate.id] = number
        self.trials[number] = trial
        if trial.state != "running":
            self._unsaved.append(trial)
            self.parts.sampler.tell(number, trial.point, self._outcome(trial))
        return trial

    def _start(self, trial: Trial, rung: Rung) -> Job:
        key = self.parts.fingerprint.key(trial.candidate, rung, self.settings.seed)
        known = self.parts.store.get(key)
        if known is not None:
            return Job(trial, rung, key, True, lambda: known)
        since = time.monotonic()
        pending = self.parts.workers.start(trial.candidate, rung, self.settings.seed)
        return Job(trial, rung, key, False, pending, since)

    def _finish(self, job: Job, watch: Callable[[Progress], None]) -> None:
        evaluation = job.pending()
        if not job.cached:
            self._durations[job.rung].note(time.monotonic() - job.since)
        trial = job.trial.risen(job.rung, evaluation)
        self.trials[trial.number] = trial
        self.evaluations += 1
        self._unsaved.append(trial)
        if not job.cached:
            self._flush(entries=[entry(job.key, trial.candidate, job.rung, evaluation)])
        self._tell(job, trial)
        volume = self.parts.archive.note(self.evaluations)
        self._refuse_a_broken_evaluator(trial)
        watch(Progress(trial, self.evaluations, volume, len(self.parts.archive.members), self.seconds))

    def _tell(self, job: Job, trial: Trial) -> None:
        """Sampler, rung table and front hear of the result."""
        outcome = self._outcome(trial)
        if job.rung == self.settings.rungs[0]:
            self.parts.sampler.tell(trial.number, trial.point, outcome)
        if outcome.losses is None:
            return
        excess = sum(max(0.0, x) for x in outcome.excess.values())
        self._rungs.record(job.rung, Standing(trial.number, outcome.losses, excess))
        if trial.feasible(self._measurable(trial.measurements)) and job.rung == self.settings.rungs[-1]:
            self.parts.archive.add(trial.number, outcome.losses)

    def _measurable(self, seen: Mapping[str, Measurement]) -> Task:
        """The task with the bounds that the rungs in use can measure."""
        task = self.parts.task
        return replace(task, constraints=tuple(c for c in task.constraints if c.key in seen))

    def _outcome(self, trial: Trial) -> Outcome:
        if trial.state == "infeasible":
            seen = trial.measurements
            worst = self.parts.archive.reference
            losses = tuple(
                o.loss(seen[o.key].value) if o.key in seen else worst[i]
                for i, o in enumerate(self.parts.task.objectives)
            )
            return Outcome(losses, trial.excess(self.parts.task), ran=False)
        return Outcome(trial.losses(self.parts.task), trial.excess(self.parts.task))

    def _flush(self, entries: list[dict[str, str]] | None = None) -> None:
        """Write what is new: evaluations and trials in one transaction."""
        fresh = [t for t in self._unsaved if self._saved.get(t.number) != t]
        self._unsaved.clear()
        if fresh or entries:
            self.parts.store.save(entries or [], self.run, fresh, self.seconds)

    def _refuse_a_broken_evaluator(self, trial: Trial) -> None:
        if trial.state != "failed":
            self._reasons = None
        if self._reasons is None:
            return
        self._reasons.append(str(trial.failure))
        if len(self._reasons) >= _FAILURES_IN_A_ROW:
            reasons = "\n".join(f"  - {reason}" for reason in dict.fromkeys(self._reasons))
            raise RunError(f"the first {len(self._reasons)} evaluations all failed:\n{reasons}")
