"""Our ONNX Runtime path beside Genie-TTS: full-size v2, the same synthetic weights, fp32, in one run.

    python benchmarks/runtime/compare.py [--work build/runtime] [--rounds 7] [--threads 1 2] [--out FOLDER]

The first start makes the graphs and installs Genie-TTS into an environment under ``--work``: minutes; later
ones go on from there. Measure on a quiet machine. Writes ``genie.csv``, ``genie.json`` and ``genie.md``
to ``--out``; threads that are not asked for keep what an earlier run wrote.
"""

import argparse
import csv
import json
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import systems
import workload
from step_bytes import step_weight_bytes
from workers import Worker, bandwidth_bytes_per_s, run_interleaved

from autocompress.hardware.profiler.machine import read_machine

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parents[1] / "results" / "runtime"
PARTS = ("prefill_ms", "step_ms", "sovits_ms", "peak_mb")
TARGETS = {"prefill_ms": 1.15, "step_ms": 1.15, "sovits_ms": 1.0, "peak_mb": 2.0}
STEP_OVER_LIMIT = 1.5


def main() -> None:
    given = _arguments()
    ours, genie = systems.prepare_bundle(given.work), systems.prepare_genie(given.work)
    python = systems.prepare_genie_python(given.work)
    if given.prepare_only:
        return
    report = _earlier(given.out)
    for threads in given.threads:
        workers = (
            Worker("ours", (sys.executable, HERE / "our_worker.py", ours, str(threads))),
            Worker("genie", (python, HERE / "genie_worker.py", genie, str(threads))),
        )
        run_interleaved(workers, given.rounds)
        weight_bytes = step_weight_bytes(ours / "gpt_step.onnx")
        bandwidth = bandwidth_bytes_per_s(weight_bytes, threads)
        report[str(threads)] = {
            **{worker.name: worker.medians() for worker in workers},
            "rounds": {worker.name: worker.rounds for worker in workers},
            "step_weight_bytes": weight_bytes,
            "read_bandwidth_bytes_per_s": bandwidth,
            "step_limit_ms": 1e3 * weight_bytes / bandwidth,
        }
        write(report, given.out)


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/runtime"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=list(workload.THREADS))
    parser.add_argument("--out", type=Path, default=RESULTS, help="one folder a machine")
    parser.add_argument(
        "--prepare-only", action="store_true", help="make graphs and environment, measure nothing"
    )
    return parser.parse_args()


def _earlier(out: Path) -> dict:
    path = out / "genie.json"
    return json.loads(path.read_text())["threads"] if path.is_file() else {}


def write(report: Mapping, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    about = {
        "machine": read_machine().identity,
        "system": platform.platform(),
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "genie_tts": systems.GENIE_VERSION,
        "genie_onnxruntime": systems.GENIE_ONNXRUNTIME,
        "weight_seed": systems.WEIGHT_SEED,
        "input_seed": workload.SEED,
        "command": shlex.join(["python", "benchmarks/runtime/compare.py", *sys.argv[1:]]),
    }
    rows = [row for threads in sorted(report) for row in _rows(threads, report[threads])]
    (out / "genie.json").write_text(json.dumps({"about": about, "threads": report}, indent=1) + "\n")
    with (out / "genie.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    text = _markdown(rows, about)
    (out / "genie.md").write_text(text)
    print(text)


def _rows(threads: str, found: Mapping) -> list[dict]:
    rows = [
        {
            "threads": threads,
            "what": part,
            "ours": round(found["ours"][part], 2),
            "other": round(found["genie"][part], 2),
            "other_over_ours": round(found["genie"][part] / found["ours"][part], 3),
            "target": TARGETS[part],
            "met": found["genie"][part] / found["ours"][part] >= TARGETS[part],
        }
        for part in PARTS
    ]
    limit, step = found["step_limit_ms"], found["ours"]["step_ms"]
    rows.append(
        {
            "threads": threads,
            "what": "step over bandwidth limit",
            "ours": round(step, 2),
            "other": round(limit, 2),
            "other_over_ours": round(step / limit, 3),
            "target": STEP_OVER_LIMIT,
            "met": step / limit <= STEP_OVER_LIMIT,
        }
    )
    return rows


def _markdown(rows: Sequence[Mapping], about: Mapping[str, str]) -> str:
    head = ["threads", "what", "ours", "Genie (or limit)", "ratio", "target", "met"]
    lines = ["# Our runtime and Genie-TTS, full-size v2, fp32", ""]
    lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        cells = {**row, "met": "yes" if row["met"] else "NO"}
        lines.append(f"| {' | '.join(str(cell) for cell in cells.values())} |")
    lines += [
        "",
        "Medians of interleaved rounds after one warm-up, each system in its own process; a round's",
        f"prefill is the median of {workload.SENTENCES}, each after the steps of the one before. Ratio =",
        "Genie over ours, in the last line ours over the limit (weight bytes / measured read bandwidth).",
        "Genie's prefill is without its text encoder (`text_encoder_ms` in the JSON); its SoVITS graph also",
        "makes the style of a five-second reference, which we store with the voice. Steps include sampling.",
        "",
        *(f"* {key}: {value}" for key, value in about.items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
