"""Finished searches of the benchmark, each kept as a small file so that a stopped comparison goes on."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from autocompress.objectives import DEFAULT_OBJECTIVES
from autocompress.space import SearchSpace, load_space
from autocompress.study import Budget, Evaluate, Fingerprint, Settings, Study, Task
from benchmarks.search.tabular import RESULTS, SPACE, TabularEvaluator, read_rows

TASK = Task(DEFAULT_OBJECTIVES)


@dataclass(frozen=True)
class Run:
    """One search: hypervolume after each evaluation, the losses of its front, and its fixed reference."""

    sampler: str
    seed: int
    history: tuple[float, ...]
    front: tuple[tuple[float, ...], ...]
    reference: tuple[float, ...]

    def at(self, evaluations: int) -> float:
        """Hypervolume after so many evaluations."""
        return self.history[evaluations - 1]


@dataclass(frozen=True)
class Bench:
    """The recorded table, the space over it, and where finished runs are kept."""

    table: Path = RESULTS / "table.csv"
    work: Path = Path("runs/search")

    def evaluator(self, device: str) -> TabularEvaluator:
        return TabularEvaluator(read_rows(self.table), device)

    def space(self) -> SearchSpace:
        dimensions = json.loads(self.table.with_suffix(".json").read_text("utf-8"))["dimensions"]
        return load_space(SPACE, dimensions)

    def run(self, sampler: str, seed: int, trials: int, device: str) -> Run:
        """The finished search, from its file or made now."""
        path = self._folder / f"{device}-{sampler}-{trials}-{seed}.json"
        if not path.is_file():
            made = search(self.space(), self.evaluator(device), sampler, seed, trials)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(asdict(made)), "utf-8")
        fields = json.loads(path.read_text("utf-8"))
        fields["front"] = tuple(map(tuple, fields["front"]))
        return Run(**fields)

    @property
    def _folder(self) -> Path:
        """Runs belong to one table: another table starts another folder."""
        return self.work / f"runs-{hashlib.sha256(self.table.read_bytes()).hexdigest()[:12]}"


def search(space: SearchSpace, evaluate: Evaluate, sampler: str, seed: int, trials: int) -> Run:
    """A search from nothing in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(sampler=sampler, seed=seed, seeded=False)
        study = Study(space, TASK, evaluate, Fingerprint("benchmark"), Path(folder), settings)
        front = study.run(Budget(trials=trials))
        study.store.close()
    losses = tuple(t.losses(TASK) or () for t in front.trials)
    return Run(sampler, seed, tuple(volume for _, volume in front.history), losses, front.reference)


def runs(bench: Bench, sampler: str, seeds: int, trials: int, device: str) -> Iterator[Run]:
    """One run a seed."""
    for seed in range(seeds):
        yield bench.run(sampler, seed, trials, device)
