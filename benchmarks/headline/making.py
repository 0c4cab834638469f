"""The bundle of every row, from the weights that are shipped now; one that is there already is kept."""

import json
import multiprocessing
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import onnx
import torch

from autocompress.bundle import write_bundle
from autocompress.bundle.manifest import MANIFEST
from autocompress.errors import InfeasibleError
from autocompress.hardware.library import load_profile
from autocompress.hardware.profiler.machine import allowed_cpus
from autocompress.metrics.cost import CostModel
from autocompress.models.onnx import export_graphs
from autocompress.models.onnx.export import GRAPH_FILES
from autocompress.models.teacher import Teacher, load_teacher
from autocompress.pipeline.compose import plan, search
from autocompress.pipeline.delivery import DeliveryOptions, deliver, teacher_facts
from autocompress.pipeline.evaluator import takes_bert
from autocompress.pipeline.fingerprints import teacher_hash
from autocompress.planner import SearchSettings
from autocompress.production.assembly import ExportedGraphs, ShapedStudent, ingredients
from autocompress.production.settings import Steps
from autocompress.space import Candidate
from autocompress.study import Trial
from autocompress.study.run_store import store_url
from autocompress.transforms.onnx_precision import PrecisionPlan, write_graphs
from autocompress.transforms.onnx_precision.baselines import FP16_STORAGE, INT4_WEIGHTS, write_dynamic_int8
from autocompress.transforms.onnx_precision.parity import ParityReport
from autocompress.transforms.onnx_precision.shared_file import SharedFile, write_files
from autocompress.transforms.onnx_precision.writing import SHARING, WrittenGraphs
from benchmarks.headline.hearing import known_voices
from benchmarks.headline.systems import (
    OUR_INT8,
    TEACHER,
    Budget,
    System,
    Vocoder,
    pruned,
    trained_name,
    uniform_int8,
)
from benchmarks.progress import told
from benchmarks.provenance import write_json

DEVICE = "local"
SPACE = "gpt-sovits"
Write = Callable[[Mapping[str, Path], Path], WrittenGraphs]


@dataclass(frozen=True)
class Effort:
    """How long each budget is searched for, and what distilled rows are trained with."""

    trials: int = 60
    search_s: float = 300.0
    workers: int = 2
    distil_steps: Steps = "auto"
    steps_by_row: Mapping[str, Steps] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Workshop:
    """Makes bundles of the shipped model in a folder of ``root``; all hold the first ``n_voices``.

    It goes to other processes as its settings alone.
    """

    root: Path
    n_voices: int
    budgets: tuple[Budget, ...]
    pruned_like: str
    effort: Effort
    vocoders: tuple[Vocoder, ...] = ()

    def __reduce__(self) -> tuple[type["Workshop"], tuple[object, ...]]:
        return Workshop, tuple(getattr(self, field.name) for field in fields(self))

    @cached_property
    def teacher(self) -> Teacher:
        return load_teacher("reference")

    @cached_property
    def work(self) -> Path:
        return self.root / teacher_hash(self.teacher)

    @cached_property
    def voices(self) -> tuple[str, ...]:
        return known_voices(self.teacher.voices, self.n_voices)

    def bundle(self, name: str) -> Path:
        return self.work / "rows" / name / "bundle"

    def make(self, system: System) -> Path | None:
        """The row's bundle; None where the search finds that there can be none, which is told once."""
        folder = self.bundle(system.name)
        if not (folder / MANIFEST).is_file():
            told(f"making {system.name}")
            try:
                self._made(system, folder)
            except InfeasibleError as error:
                told(f"{system.name} cannot be made: {error}")
                return None
        return folder

    def training(self, name: str) -> dict[str, Any] | None:
        """What training made of a row: steps and losses of each part; None of one that was not trained."""
        found = sorted((self.bundle(name).parent / "training").glob("*/summary.json"))
        return json.loads(found[-1].read_text("utf-8")) if found else None

    def _made(self, system: System, folder: Path) -> None:
        if system.name in _WRITERS:
            self.alternative(folder, _WRITERS[system.name])
        else:
            options = DeliveryOptions(
                self.voices,
                threads=1,
                training_threads=max(1, len(allowed_cpus()) // self.effort.workers),
                speech=False,
                distil_steps=self._steps(system),
            )
            deliver(self.teacher, self.candidate(system.name), folder, DEVICE, options, self._stage)

    def _steps(self, system: System) -> Steps:
        if not system.trained:
            return 0
        return self.effort.steps_by_row.get(system.name, self.effort.distil_steps)

    def _stage(self, text: str) -> None:
        if not text.startswith("the teacher speaks") and ": step " not in text:
            told(text)

    def candidate(self, name: str) -> Candidate:
        """What the row decides."""
        if name == OUR_INT8:
            return uniform_int8(self.teacher.gpt.config)
        if name == "pruned":
            return self._pruned()
        for one in self.vocoders:
            if name in (one.name, trained_name(one.name)):
                return one.of(self.candidate(f"ours-{one.budget}"))
        budget = next(b for b in self.budgets if name in (b.name, trained_name(b.name)))
        return Candidate.from_dict(self.found(budget)["chosen"]["candidate"])

    def alternative(self, folder: Path, write: Write) -> None:
        """The teacher's exported graphs as ``write`` leaves them, in a bundle like any other."""
        graphs = folder.parent / "graphs"
        written = write(self.exported, graphs)
        card = folder.parent / "card.md"
        card.write_text(
            f"# {folder.parent.name}\n\nMade for comparison from {self.teacher.name!r}.\n", "utf-8"
        )
        student = ShapedStudent(Candidate(), self.teacher.gpt, self.teacher.sovits, PrecisionPlan())
        whole = ingredients(
            student,
            ExportedGraphs(written, ParityReport(())),
            card,
            [self.teacher.voices[name] for name in self.voices],
            teacher_facts(self.teacher),
            bert=takes_bert(self.teacher),
            speech=self.teacher.settings,
        )
        write_bundle(whole, folder, replacing=True)
        shutil.rmtree(graphs)

    @cached_property
    def exported(self) -> dict[str, Path]:
        """The teacher's graphs as PyTorch exports them; exported once."""
        folder = self.work / "export"
        paths = {role: folder / name for role, name in GRAPH_FILES.items()}
        if all(path.is_file() for path in paths.values()):
            return paths
        return export_graphs(self.teacher.gpt, self.teacher.sovits, folder, bert=takes_bert(self.teacher))

    @cached_property
    def costs(self) -> CostModel:
        return CostModel(self.teacher.gpt.config, self.teacher.sovits.config, load_profile(DEVICE))

    # --- points of our front ----------------------------------------------------------------------

    def found(self, budget: Budget) -> dict[str, Any]:
        """The front of a budget's search and the point that was chosen; searched once.

        InfeasibleError where nothing fits, which is kept, too.
        """
        path = self.work / "search" / f"{budget.name}.json"
        if not path.is_file():
            write_json(path, self._searched_or_not(budget))
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if "infeasible" in known:
            raise InfeasibleError(known["infeasible"])
        return known

    def _searched_or_not(self, budget: Budget) -> dict[str, object]:
        try:
            return self._searched(budget)
        except InfeasibleError as error:
            return {"request": self.request(budget), "infeasible": str(error)}

    def _searched(self, budget: Budget) -> dict[str, object]:
        request = self.request(budget)
        told(f"search: {request}")
        settings = SearchSettings(
            self.effort.trials,
            self.effort.search_s,
            self.effort.seed,
            workers=self.effort.workers,
            speech=False,
            storage=store_url(self.work / "search"),  # what one budget's search measured, the next ones know
        )
        planned = plan(request, space=SPACE, settings=settings)
        front = search(planned, self.work / "search" / budget.name).front()
        return {
            "request": request,
            "evaluations": len(front.history),
            "chosen": _point(front.best()),
            "front": [_point(trial) for trial in front.trials],
        }

    def request(self, budget: Budget) -> str:
        """Of this machine. Both sides of the speed are upper ends of predictions: their errors are alike."""
        whole = self.costs.cost(Candidate())
        size_mb = whole.size_bytes / 1e6 / budget.smaller
        latency_s = whole.latency.total.high_s / budget.faster
        return f"<{size_mb:.2f}MB, <{latency_s:.3f}s on this machine"

    def _pruned(self) -> Candidate:
        """As large as its sibling, at the least narrow storage that leaves most of the weights in place."""
        wanted = self._bytes(self.candidate(self.pruned_like))
        gpt, sovits = self.teacher.gpt.config, self.teacher.sovits.config
        for storage in ("fp32", "fp16", "int8"):
            shares = [n / 200 for n in range(10, 201)]
            ways = [pruned(gpt, sovits, share, storage) for share in shares]
            fitting = [(s, way) for s, way in zip(shares, ways, strict=True) if self._bytes(way) <= wanted]
            if fitting and (fitting[-1][0] >= LEAST_KEPT or storage == "int8"):
                return fitting[-1][1]
        raise InfeasibleError(f"no pruning fits into {wanted / 1e6:.1f} MB")

    def _bytes(self, candidate: Candidate) -> float:
        return self.costs.cost(candidate).size_bytes


def make_all(shop: Workshop, listed: Sequence[System], workers: int) -> dict[str, Path]:
    """The bundle of every row that can be made: searches, then rows side by side, last what is trained."""
    for budget in shop.budgets:
        with suppress(InfeasibleError):  # told with the row
            shop.found(budget)
    groups = [[s for s in listed if s.name in _WRITERS]]  # share one export
    groups += [[s] for s in sorted(listed, key=lambda s: s.trained) if s.name not in _WRITERS]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        there = dict(row for group in pool.imap(partial(_make_group, shop), groups, 1) for row in group)
    return {s.name: folder for s in listed if (folder := there[s.name]) is not None}


def _make_group(shop: Workshop, group: Sequence[System]) -> list[tuple[str, Path | None]]:
    torch.set_num_threads(1)
    return [(system.name, shop.make(system)) for system in group]


LEAST_KEPT = 0.7  # of every width: a wider storage that cuts deeper than this is worse than a narrower one


def _point(trial: Trial) -> dict[str, object]:
    measured = {key: m.value for key, m in trial.measurements.items()}
    return {"candidate": trial.candidate.to_dict(), "predicted": measured}


def write_planned(precision: PrecisionPlan, graphs: Mapping[str, Path], folder: Path) -> WrittenGraphs:
    return write_graphs(graphs, precision, folder)


def _shared_int8(graphs: Mapping[str, Path], folder: Path) -> WrittenGraphs:
    """As the tool writes them, but what prefill and step both hold is stored once, as in every other row."""
    written = write_dynamic_int8(graphs, folder)
    models = {name: onnx.load(str(path)) for name, path in written.paths.items()}
    shared = SharedFile()
    shared.take([models[name] for name in SHARING])
    contents = {folder / shared.name: bytes(shared.contents)}
    contents |= {written.paths[name]: model.SerializeToString() for name, model in models.items()}
    write_files(contents)
    return WrittenGraphs(written.paths, tuple(contents))


_WRITERS: Mapping[str, Write] = {
    TEACHER: partial(write_planned, PrecisionPlan()),
    "ort-int8": _shared_int8,
    "fp16": partial(write_planned, FP16_STORAGE),
    "int4": partial(write_planned, INT4_WEIGHTS),
}
