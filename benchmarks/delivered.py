"""Predicted against delivered: what the search says of a candidate, and what its bundle measures here.

    python -m benchmarks.delivered [--rows ours-int8 ours-5x ours-7x] [--utterances 24]

The bundles are those that ``python -m benchmarks.headline`` has made of the weights that are shipped now.
Predicted are size and latency by the cost model on this machine's profile, one thread, and similarity by the
search's own student in PyTorch; delivered are the bundle's files, its reference workload on this machine, and
what it says itself. Both say the same tasks with the same random numbers, so that luck does not hide what the
export changes.
The profile is the one of `local`; ``--profile-minutes`` measures a new one first and keeps it in ``--work``.
Blocks of its table are timed again before and after each bundle: neighbours may have changed the machine's
pace since, and a second line says what is left of the error at the table's own pace.
Wants a quiet machine. Writes ``results/delivered/table.json`` and ``delivered.md``.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autocompress.bundle import Bundle, GraphSettings
from autocompress.bundle.integrity import read_manifest
from autocompress.bundle.manifest import MANIFEST
from autocompress.bundle.measuring import measure_bundle
from autocompress.hardware.library import load_profile
from autocompress.hardware.operator_table import read_table
from autocompress.hardware.profile import HardwareProfile, read_profile
from autocompress.hardware.profiler.pace import pace
from autocompress.hardware.profiler.run import profile_machine
from autocompress.metrics.cost import CostModel
from autocompress.metrics.evaluation_set import Task
from autocompress.models.teacher import Teacher, load_teacher
from autocompress.pipeline.bundle_speech import said_by_bundle
from autocompress.pipeline.calibrated import calibrated
from autocompress.pipeline.evaluator import takes_bert
from autocompress.pipeline.fingerprints import teacher_hash
from autocompress.space import Candidate
from autocompress.transforms import materialize
from benchmarks.headline.hearing import Readings, hear_tasks, known_voices, tasks
from benchmarks.headline.judging import ONE_SIDED_90, Mean, mean, paired
from benchmarks.progress import told
from benchmarks.provenance import REPOSITORY, provenance, write_json
from benchmarks.student_bundle import student_bundle

RESULTS = REPOSITORY / "results" / "delivered"
LIMITS = {"size_mb": 0.01, "latency_s": 0.10, "similarity": 0.01}  # shares, but for similarity
_NAMES = {
    "size_mb": "size, MB",
    "latency_s": "latency, s",
    "latency_at_pace_s": "latency at the table's pace, s",
    "similarity": "similarity",
}
_BLOCKS_OF_PACE, _PACE_WINDOW_S = 20, 0.15
_BLOCK = 6  # utterances that are kept at a time
Row = dict[str, Any]


def main() -> None:
    given = _arguments()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    teacher = load_teacher("reference")
    bench = Bench(teacher, given.work / teacher_hash(teacher), _profile(given), given.rounds)
    wanted = tasks(24, known_voices(teacher.voices, given.voices))[: given.utterances]
    rows = [bench.row(name, wanted) for name in given.rows]
    facts = provenance(0, threads=1, rounds=given.rounds, utterances=len(wanted), limits=LIMITS)
    write_json(given.out / "table.json", facts | {"rows": rows})
    (given.out / "delivered.md").write_text(page(rows, facts), "utf-8")
    print(page(rows, facts))


@dataclass(frozen=True, eq=False)
class Bench:
    """Rows of one teacher on one machine; what was said is kept in ``work``."""

    teacher: Teacher
    work: Path
    profile: HardwareProfile
    rounds: int

    def row(self, name: str, wanted: list[Task]) -> Row:
        folder = self.work / "rows" / name / "bundle"
        if not (folder / MANIFEST).is_file():
            sys.exit(f"{folder} is missing. Run first: python -m benchmarks.headline --steps make")
        if name.endswith("-distilled"):
            sys.exit(f"{name} was trained after its prediction: give rows that were not.")
        candidate = Candidate.from_dict(dict(read_manifest(folder).candidate))
        told(f"{name}: measuring")
        costs = self.costs.cost(candidate)
        paces = [table_pace(self.profile)]
        found = measure_bundle(folder, threads=1, rounds=self.rounds)
        paces.append(table_pace(self.profile))
        latency, slower = found.by_key["latency_s"], sum(paces) / 2
        predicted, delivered = self._predicted(name, folder, wanted), self._delivered(name, folder, wanted)
        size = judged("size_mb", costs.size_bytes / 1e6, found.size.size_mb)
        return {
            "row": name,
            "size_mb": size,
            "latency_s": judged("latency_s", costs.latency.total.median_s, latency.value)
            | {"delivered_low": latency.low, "delivered_high": latency.high},
            "latency_at_pace_s": judged("latency_s", costs.latency.total.median_s, latency.value / slower)
            | {"paces": paces},
            "similarity": judged_similarity(predicted, delivered),
            "predicted_s": {k: p.median_s for k, p in costs.latency.by_component.items()},
            "delivered_s": {k: m.value for k, m in found.components.items()},
        }

    @property
    def costs(self) -> CostModel:
        gpt, sovits = self.teacher.gpt.config, self.teacher.sovits.config
        return CostModel(gpt, sovits, self.profile, bert=takes_bert(self.teacher), threads=1)

    def _predicted(self, name: str, folder: Path, wanted: list[Task]) -> Readings:
        """What the search's student says, the one that its speech rung hears."""
        candidate = Candidate.from_dict(dict(read_manifest(folder).candidate))
        student = materialize(self.teacher, candidate, calibrated(self.teacher))
        networks = student.gpt_half.computing(), student.sovits_half.computing()
        return self._kept(f"{name}-predicted", student_bundle(folder, *networks), wanted)

    def _delivered(self, name: str, folder: Path, wanted: list[Task]) -> Readings:
        return self._kept(f"{name}-delivered", Bundle.load(folder, GraphSettings(1)), wanted)

    def _kept(self, name: str, bundle: Bundle, wanted: list[Task]) -> Readings:
        path = self.work / "delivered" / f"{name}.json"
        known: Readings = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        left = [task for task in wanted if str(task.item) not in known]
        for at in range(0, len(left), _BLOCK):
            told(f"{name}: {at} of {len(left)}")
            known |= hear_tasks(lambda task: said_by_bundle(bundle, task), left[at : at + _BLOCK])
            write_json(path, known)
        return {str(task.item): known[str(task.item)] for task in wanted}


def table_pace(profile: HardwareProfile) -> float:
    """How many times as long whole blocks of the profile's table take now on one thread."""
    path = profile.operator_table()
    assert path is not None, "the machine's own profile has a table"
    return pace(read_table(path), 1, blocks=_BLOCKS_OF_PACE, window_s=_PACE_WINDOW_S)


def judged(key: str, predicted: float, delivered: float) -> Row:
    """A share of the prediction that the delivered value is off by, and whether that is allowed."""
    off = delivered / predicted - 1
    return {"predicted": predicted, "delivered": delivered, "off": off, "holds": abs(off) <= LIMITS[key]}


def judged_similarity(predicted: Readings, delivered: Readings) -> Row:
    """Means over the same tasks; ``sure`` where chance at 90 % does not decide."""
    own, theirs = (mean({i: r["similarity"] for i, r in one.items()}) for one in (delivered, predicted))
    off: Mean = paired(delivered, predicted, "similarity")
    margin = abs(LIMITS["similarity"] - abs(off.value))
    return {
        "predicted": theirs.value,
        "delivered": own.value,
        "off": off.value,
        "error": off.error,
        "holds": abs(off.value) <= LIMITS["similarity"],
        "sure": margin > ONE_SIDED_90 * off.error,
    }


def page(rows: list[Row], facts: dict[str, Any]) -> str:
    head = ("bundle", "what", "predicted", "delivered", "off by", "allowed", "holds")
    lines = [head, ("---",) * len(head)]
    for row in rows:
        lines += [_cells(row, key) for key in (*LIMITS, "latency_at_pace_s")]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    held = sum(bool(row[key]["holds"]) for row in rows for key in LIMITS)
    return (
        f"# Predicted against delivered\n\n**{held} of {len(rows) * len(LIMITS)} predictions hold.** "
        "Size and latency (reference workload, 4 s of speech, one thread) by the cost model on this "
        f"machine's profile; similarity by the search's own student on {facts['utterances']} utterances that "
        "the bundle says, too (± standard error of the difference; a question mark: chance could decide "
        "it). Latency at the table's pace: divided by how many times as long blocks of the profile's table "
        f"took around it ({_told_paces(rows)}).\n\n"
        f"{table}\n\n* machine: {facts['machine']}\n* weights: {facts['weights_sha256']}\n"
        f"* command: `{facts['command']}`\n"
    )


def _cells(row: Row, key: str) -> tuple[str, ...]:
    found, spoken = row[key], key == "similarity"
    off = f"{found['off']:+.3f} ± {found['error']:.3f}" if spoken else f"{100 * found['off']:+.1f} %"
    limit = LIMITS.get(key, LIMITS["latency_s"])
    allowed = f"{limit:g}" if spoken else f"{100 * limit:g} %"
    word = ("yes" if found["holds"] else "no") + ("" if found.get("sure", True) else "?")
    name = _NAMES[key]
    return (
        f"`{row['row']}`",
        name,
        f"{found['predicted']:.4g}",
        f"{found['delivered']:.4g}",
        off,
        allowed,
        word,
    )


def _told_paces(rows: list[Row]) -> str:
    return ", ".join(f"{np.mean(row['latency_at_pace_s']['paces']):.2f}" for row in rows)


def _profile(given: argparse.Namespace) -> HardwareProfile:
    """`local`, or one measured for this work folder; an interrupted measurement goes on."""
    if not given.profile_minutes:
        return load_profile("local")
    path = given.work / "device" / "local.toml"
    if not path.is_file():
        profile_machine(path.parent, seconds=60 * given.profile_minutes, say=told)
    return read_profile(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", nargs="+", default=["ours-int8", "ours-5x", "ours-7x"])
    parser.add_argument("--utterances", type=int, default=24)
    parser.add_argument("--voices", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--profile-minutes", type=float, default=0)
    parser.add_argument("--work", type=Path, default=REPOSITORY / "runs" / "headline")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
