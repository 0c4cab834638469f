"""Size, latency and quality of each precision on the GPT and on each part of SoVITS.

    python -m benchmarks.precision.table [--steps graphs quality latency] [--work runs/precision]

``graphs`` exports the reference model and writes every variant to ``--work``; ``quality`` runs them on ONNX
Runtime with the evaluation set's teacher-forced cases beside fp32; ``latency`` times them in turn (wants a
quiet machine).
Each step keeps what the others have written, so that a quiet hour need hold the last one only. Writes
``results/precision/table.csv`` and ``table.json``, where the checks of the last lines are.
"""

import argparse
import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from autocompress.models.onnx import export_graphs
from autocompress.models.teacher import Teacher, load_teacher
from autocompress.pipeline.evaluation_data import evaluation_data
from autocompress.transforms.onnx_precision import write_graphs
from benchmarks.precision.latency import PHONEMES, PROMPT, TOKENS, Timed, interleaved
from benchmarks.precision.quality import gpt_logits, gpt_quality, sovits_audio, sovits_quality
from benchmarks.precision.variants import FP32, GPT_PARTS, SOVITS_PARTS, Variant, variants
from benchmarks.provenance import REPOSITORY, command, provenance, weights, write_json

RESULTS = REPOSITORY / "results" / "precision"
FILES = {"prefill": "gpt_prefill.onnx", "step": "gpt_step.onnx", "sovits": "sovits.onnx"}
HALVES = {"gpt": (("prefill", "step"), GPT_PARTS), "sovits": (("sovits",), SOVITS_PARTS)}
ROUNDS = {"prefill": 15, "step": 25, "sovits": 21}
SLOW_ROUNDS = 3  # of integer convolutions, which take several times as long
MOST_SLOWER, MOST_RISE_DB = 0.03, 1.0  # of weight-only storage
Row = dict[str, object]


def main() -> None:
    given = _arguments()
    rows = {half: _known(half, given.work) for half in HALVES}
    if "graphs" in given.steps:
        write_variants(given.work)
        rows = {half: _sizes(half, given.work, rows[half]) for half in HALVES}
    if "quality" in given.steps:
        add_quality(rows, given.work)
    if "latency" in given.steps:
        add_latency(rows, given.work, given.threads, given.halves)
    write_json(given.work / "rows.json", rows)
    _note_steps(given)
    _publish(rows, given)


def write_variants(work: Path) -> None:
    """All graphs, from the model as it is now."""
    teacher = load_teacher("reference")
    plain = export_graphs(teacher.gpt, teacher.sovits, work / "export", bert=False)
    for half, (graphs, _) in HALVES.items():
        for variant in _variants(half):
            folder = work / half / variant.name
            folder.mkdir(parents=True, exist_ok=True)
            write_graphs({graph: plain[graph] for graph in graphs}, variant.plan, folder)
    write_json(work / "weights.json", weights())


def add_quality(rows: dict[str, dict[str, Row]], work: Path) -> None:
    """Divergence from fp32 on the evaluation set's cases."""
    teacher = load_teacher("reference")
    cases = evaluation_data(teacher).forced
    answers = {
        half: {v.name: _answers(half, v, work, cases) for v in _variants(half)} for half in HALVES
    }  # half → variant → arrays by case
    for half, by_name in answers.items():
        for name, found in by_name.items():
            rows[half][name] |= _quality(half, teacher, cases, found, by_name[FP32.name])


def _answers(half: str, variant: Variant, work: Path, cases: Sequence) -> list:
    folder = work / half / variant.name
    if half == "gpt":
        return gpt_logits(folder / FILES["prefill"], folder / FILES["step"], cases)
    return sovits_audio(folder / FILES["sovits"], cases)


def _quality(half: str, teacher: Teacher, cases: Sequence, found: list, fp32: list) -> Row:
    if half == "gpt":
        return dict(gpt_quality(cases, found, fp32, teacher.gpt.config.eos))
    return dict(sovits_quality(cases, found, fp32, teacher.sample_rate_hz))


def add_latency(
    rows: dict[str, dict[str, Row]], work: Path, threads: int, halves: Sequence[str] = tuple(HALVES)
) -> None:
    """Each graph's variants in turn; slow ones in shorter turns of their own beside fp32."""
    for half in halves:
        for graph in HALVES[half][0]:
            for group, rounds in _groups(graph, _variants(half)):
                paths = [work / half / v.name / FILES[graph] for v in group]
                for variant, timed in zip(group, interleaved(graph, paths, rounds, threads), strict=True):
                    if variant != FP32 or rounds != SLOW_ROUNDS:
                        rows[half][variant.name] |= _latency(graph, timed)


def _groups(graph: str, every: Sequence[Variant]) -> Iterable[tuple[list[Variant], int]]:
    if graph != "sovits":
        return [(list(every), ROUNDS[graph])]
    slow = [v for v in every if v.compute != "fp32"]
    return [([v for v in every if v not in slow], ROUNDS[graph]), ([FP32, *slow], SLOW_ROUNDS)]


def _latency(graph: str, timed: Timed) -> Row:
    start = "latency" if graph == "sovits" else graph
    return {
        f"{start}_ms": timed.quick_ms, f"{start}_over_fp32": timed.over_first,
        f"{start}_over_fp32_low": timed.low, f"{start}_over_fp32_high": timed.high,
        f"{start}_rounds": timed.rounds,
    }  # fmt: skip


def _sized(variant: Variant, half: str, work: Path) -> Row:
    files = (work / half / variant.name).iterdir()
    facts = {"part": variant.part, "storage": variant.storage, "compute": variant.compute}
    return facts | {"size_bytes": sum(path.stat().st_size for path in files)}


def _sizes(half: str, work: Path, known: dict[str, Row]) -> dict[str, Row]:
    """New sizes; what other steps measured on graphs of the same shapes stays until they are run again."""
    return {v.name: known.get(v.name, {}) | _sized(v, half, work) for v in _variants(half)}


def _variants(half: str) -> list[Variant]:
    return variants(HALVES[half][1])


def _known(half: str, work: Path) -> dict[str, Row]:
    path = work / "rows.json"
    return json.loads(path.read_text("utf-8"))[half] if path.is_file() else {}


def checks(rows: dict[str, dict[str, Row]]) -> Row:
    """The two promises of weight-only storage, with the worst that was found."""
    flat = [row for by_name in rows.values() for row in by_name.values()]
    stored = [row for row in flat if row["storage"] != "fp32" and row["compute"] == "fp32"]
    slower = {
        f"{row['part']}-{row['storage']} {key.removesuffix('_over_fp32')}": float(str(row[key])) - 1
        for row in stored for key in row if key.endswith("_over_fp32")
    }  # fmt: skip
    rise = {
        f"{row['part']}-{row['storage']}": float(str(row["silence_floor_rise_db"]))
        for row in stored if "silence_floor_rise_db" in row
    }  # fmt: skip
    return {
        "latency_within": _check(slower, MOST_SLOWER),
        "silence_floor_within_db": _check(rise, MOST_RISE_DB),
    }


def _check(found: dict[str, float], limit: float) -> Row:
    if not found:
        return {"limit": limit, "holds": None}
    worst = max(found, key=lambda name: found[name])
    beyond = sorted(name for name, value in found.items() if value > limit)
    return {"limit": limit, "worst": worst, "value": round(found[worst], 4), "beyond": beyond,
            "holds": not beyond}  # fmt: skip


def _publish(rows: dict[str, dict[str, Row]], given: argparse.Namespace) -> None:
    flat = [{"half": half, **row} for half, by_name in rows.items() for row in by_name.values()]
    columns = dict.fromkeys(key for row in flat for key in row)
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(columns))
        writer.writeheader()
        writer.writerows({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in r.items()} for r in flat)
    workload = {"phonemes": PHONEMES, "prompt_tokens": PROMPT, "tokens": TOKENS}
    facts = provenance(0, threads=given.threads, latency_workload=workload, checks=checks(rows))
    exported = json.loads((given.work / "weights.json").read_text("utf-8"))  # may be older than the model
    steps = json.loads((given.work / "steps.json").read_text("utf-8"))
    write_json(RESULTS / "table.json", facts | {"weights_sha256": exported, "steps": steps})


def _note_steps(given: argparse.Namespace) -> None:
    """Which command made the numbers of each step, and from which weights."""
    path = given.work / "steps.json"
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    exported = json.loads((given.work / "weights.json").read_text("utf-8"))
    own = {step: {"command": command(), "weights_sha256": exported} for step in given.steps}
    write_json(path, known | own)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    steps = ("graphs", "quality", "latency")
    parser.add_argument("--steps", nargs="+", choices=steps, default=list(steps))
    parser.add_argument("--work", type=Path, default=REPOSITORY / "runs" / "precision")
    parser.add_argument("--halves", nargs="+", choices=HALVES, default=list(HALVES), help="for latency")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
