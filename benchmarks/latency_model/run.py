"""Validates the latency model on this machine: whole graphs that are in no table, predicted and measured.

    python benchmarks/latency_model/run.py --wheels FOLDER [--work FOLDER] [--rounds 3] [--minutes 10]

FOLDER holds the wheels of speechmos and silero-vad unpacked (``pip download --no-deps``, ``unzip``); without
it the graphs from outside are left out. Measure on a quiet machine. Interrupted, it goes on where it stopped.
Writes ``graphs.csv``, ``summary.json`` and the operator table with its profile to ``results/latency_model``.

The model was made while looking at the graphs of the set "development". Those of "holdout" (other sizes, and
what this package exports) were looked at once, after it was fixed.

    python benchmarks/latency_model/run.py --wheels FOLDER --work FOLDER --summary restless_machine.json

writes the summary alone under another name: what a second machine finds, beside the one that is shipped.

Table and graphs are timed alike, undisturbed: the quickest visit of each, the faster half of its runs.
``as_disturbed`` in the summary is what they take on the whole: the mean of the runs of the median visit.

With ``--in-turns`` each round is preceded by a pass over the whole table (ten minutes a round, ``--minutes``
has no say): on a shared machine both then see the same hours.
"""

import argparse
import csv
import json
import random
import shutil
from collections import defaultdict
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
from exports import VALUES, save_exports
from graphs import DEVELOPMENT, HOLDOUT, outside_cases, own_cases
from quantized import save_as
from scipy.stats import spearmanr

from autocompress.bundle.sessions import PRECISE_INT8
from autocompress.hardware.graph import read_graph
from autocompress.hardware.latency import MEASURED_LOG_SIGMA, GraphPrediction, predict_graph
from autocompress.hardware.model_file import load_model
from autocompress.hardware.operator_table import without_disturbed, write_table
from autocompress.hardware.prediction import INTERVAL_SIGMAS
from autocompress.hardware.profile import read_profile
from autocompress.hardware.profiler.log import Log
from autocompress.hardware.profiler.machine import read_machine
from autocompress.hardware.profiler.measure import log_path, summarize_log, visit_all
from autocompress.hardware.profiler.plan import plan
from autocompress.hardware.profiler.run import profile_machine, thread_counts
from autocompress.hardware.profiler.timing import InPlace, Timing, time_session
from autocompress.hardware.tracing import example_input

RESULTS = Path(__file__).resolve().parents[2] / "results" / "latency_model"
WINDOW_S = 0.15
SUMMARY = "summary.json"
TARGET = {"median_error": 0.04, "within_10_percent": 0.9, "spearman": 0.98}
THREADS = (1, 2)


def main() -> None:
    given = _arguments()
    given.work.mkdir(parents=True, exist_ok=True)
    files = save_cases(given.work, given.wheels)
    profile_path = given.work / "profile" / "this-machine.toml"
    log = given.work / "measured.jsonl"
    if not given.in_turns:
        profile_if_missing(profile_path, given.minutes)
    for number in range(given.rounds):
        if given.in_turns:
            visit_table(profile_path.parent, number)
        measure_round(files, log, number)
    profile_if_missing(profile_path, given.minutes)
    graphs = {key: read_graph(file.path, file.shapes) for key, file in files.items()}
    rows = predict_all(files, graphs, log, read_profile(profile_path))
    by_passes = within_by_passes(files, graphs, log, profile_path, given.rounds) if given.in_turns else {}
    write_results(rows, profile_path, given, by_passes)


def profile_if_missing(path: Path, minutes: float) -> None:
    """The table and its profile; of what was measured in turns, nothing is measured again."""
    if not path.is_file():
        profile_machine(path.parent, seconds=60 * minutes, device_id="this-machine", say=print)


def visit_table(folder: Path, number: int) -> None:
    """Every point of the table once more, into the log that :func:`profile_if_missing` goes on from."""
    machine = read_machine()
    log = Log(log_path(folder / "full"), machine.identity)
    visit_all(plan("full"), thread_counts(machine), log, number, level="full", say=print)


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/latency_model"))
    parser.add_argument("--wheels", type=Path, default=Path("build/wheels"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--in-turns", action="store_true", help="a pass over the table before each round")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--summary", default=SUMMARY, help="any other name: write nothing but this summary")
    parser.add_argument("--note", default="", help="kept in the summary: how quiet the machine was")
    return parser.parse_args()


@dataclass(frozen=True)
class GraphFile:
    """A graph on the disk; ``shapes`` of inputs whose dimensions are not fixed."""

    path: Path
    shapes: dict
    part: str  # "development" or "holdout"


def save_cases(work: Path, wheels: Path) -> dict:
    """Every graph at every precision as a file, by name and precision."""
    files = {}
    parts = (("development", own_cases(DEVELOPMENT)), ("development", outside_cases(wheels)))
    for part, cases in (*parts, ("holdout", own_cases(HOLDOUT))):
        for case in cases:
            for precision in case.precisions:
                path = work / f"{case.name}.{precision}.onnx"
                if not path.is_file():
                    save_as(case.model, precision, path)
                files[case.name, precision] = GraphFile(path, case.shapes, part)
    for name, precision, path, shapes in save_exports(work / "exports"):
        files[name, precision] = GraphFile(path, shapes, "holdout")
    return files


def measure_round(files: dict, log: Path, number: int) -> None:
    """Each graph once on each thread count, in a new session and in shuffled order."""
    done = {(row["name"], row["precision"], row["threads"], row["round"]) for row in read_log(log)}
    visits = [(*key, threads) for key in files for threads in THREADS if (*key, threads, number) not in done]
    random.Random(number).shuffle(visits)
    for name, precision, threads in visits:
        row = {"name": name, "precision": precision, "threads": threads, "round": number}
        timing = measure_once(files[name, precision], threads)
        row |= {"seconds": timing.seconds, "mean_s": timing.mean_s}
        with log.open("a") as file:
            file.write(json.dumps(row) + "\n")


def measure_once(file: GraphFile, threads: int) -> Timing:
    """One run's time in a new session, opened as a bundle opens it where that changes what is computed."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    options.add_session_config_entry(*PRECISE_INT8)
    session = onnxruntime.InferenceSession(str(file.path), options, providers=["CPUExecutionProvider"])
    feeds = {value.name: example_input(value) for value in load_model(file.path, file.shapes).inputs}
    feeds |= {name: np.full_like(feeds[name], value) for name, value in VALUES.items() if name in feeds}
    caches = {name.replace("_in_", "_out_"): name for name in feeds if "_in_" in name}
    bound = InPlace(session, feeds, caches) if caches else session  # as the bundle's runtime does it
    return time_session(bound, feeds, WINDOW_S)


def read_log(log: Path) -> list:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []


def predict_all(files: dict, graphs: dict, log: Path, profile) -> list:
    """One row for each graph, precision and thread count."""
    measured = defaultdict(list)
    for row in read_log(log):
        measured[row["name"], row["precision"], row["threads"]].append((row["seconds"], row["mean_s"]))
    rows = []
    for (name, precision), file in files.items():
        graph = graphs[name, precision]
        for threads in THREADS:
            rounds = measured[name, precision, threads]
            predicted = predict_graph(graph, profile, threads)
            facts = {"part": file.part, "graph": name, "precision": precision, "threads": threads}
            rows.append(facts | _errors(rounds, predicted) | {"operators": len(graph.operators)})
    return rows


def _errors(rounds: list, predicted: GraphPrediction) -> dict:
    """``apart``: how far one round of the graph is from another, all pairs; ``halves_apart``: the quickest of
    one half from the other half's. No prediction can be nearer than the graph's own other rounds."""
    times, means = zip(*rounds, strict=True)
    seconds, mean, undisturbed = min(times), float(np.median(means)), predicted.undisturbed
    apart = [abs(one / other - 1) for one, other in permutations(times, 2)] or [0.0]
    return {
        "measured_s": seconds,
        "rounds": len(rounds),
        "rounds_spread": (max(times) - seconds) / seconds,
        "apart": float(np.median(apart)),
        "apart_within_10_percent": float(np.mean(np.array(apart) <= 0.1)),
        "halves_apart": abs(min(times[::2]) / min(times[1::2] or times) - 1),
        "predicted_s": undisturbed.median_s,
        "low_s": undisturbed.low_s,
        "high_s": undisturbed.high_s,
        "error": undisturbed.median_s / seconds - 1,
        "mean_s": mean,
        "predicted_mean_s": predicted.total.median_s,
        "error_as_disturbed": predicted.total.median_s / mean - 1,
    }


def within_by_passes(files: dict, graphs: dict, log: Path, profile_path: Path, rounds: int) -> dict:
    """Share within ±10 % by how many passes in a row the table is made of: what more minutes are worth."""
    machine = read_machine()
    visits = [(probe, count) for count in thread_counts(machine) for probe in plan("full")]
    table_log = Log(log_path(profile_path.parent / "full"), machine.identity)
    entries, shares = table_log.entries, {}
    for passes in range(1, rounds, 2):
        shares[str(passes)] = []
        for first in range(rounds - passes + 1):
            table_log.entries = [e for e in entries if first <= e.pass_number < first + passes]
            rows = without_disturbed(summarize_log(visits, table_log).rows)
            with TemporaryDirectory() as folder:
                shutil.copy(profile_path, folder)
                write_table(Path(folder) / profile_path.with_suffix(".operators.csv").name, rows)
                profile = read_profile(Path(folder) / profile_path.name)
                predicted = predict_all(files, graphs, log, profile)
            shares[str(passes)].append(score(predicted)["within_10_percent"])
    return {"within_10_percent_by_passes_over_the_table": shares}


def write_results(rows: list, profile_path: Path, given: argparse.Namespace, by_passes: dict) -> None:
    given.out.mkdir(parents=True, exist_ok=True)
    command = f"python benchmarks/latency_model/run.py --wheels {given.wheels.name} --rounds {given.rounds}"
    command += " --in-turns" if given.in_turns else ""
    command += "" if given.summary == SUMMARY else f" --work {given.work} --summary {given.summary}"
    summary = {"command": command, "machine": read_machine().identity, "note": given.note, "target": TARGET}
    summary |= {"all": score(rows)} | by_passes
    summary |= {
        part: score([row for row in rows if row["part"] == part]) for part in ("development", "holdout")
    }
    for key in ("precision", "threads"):
        summary |= {
            f"{key} {v}": score([r for r in rows if r[key] == v]) for v in sorted({r[key] for r in rows})
        }
    for kind in sorted({row["graph"].split("-")[0] for row in rows}):
        summary[kind] = score([row for row in rows if row["graph"].split("-")[0] == kind])
    (given.out / given.summary).write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary["all"]))
    if given.summary == SUMMARY:
        write_tables(rows, profile_path, given.out)


def write_tables(rows: list, profile_path: Path, out: Path) -> None:
    """Every row, and the profile with its operator table."""
    with (out / "graphs.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(
            {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows
        )
    table = profile_path.with_suffix(".operators.csv")
    for source in (profile_path, table):
        shutil.copy(source, out / source.name)


def score(rows: list) -> dict:
    """Errors over rows, and the width that a 90 % interval must have."""
    error = np.array([row["error"] for row in rows])
    disturbed = np.array([row["error_as_disturbed"] for row in rows])
    ratio = np.log([row["predicted_s"] / row["measured_s"] for row in rows])
    inside = [row["low_s"] <= row["measured_s"] <= row["high_s"] for row in rows]
    quiet = np.abs(ratio) <= INTERVAL_SIGMAS * MEASURED_LOG_SIGMA
    rank = (
        spearmanr([r["measured_s"] for r in rows], [r["predicted_s"] for r in rows])[0]
        if len(rows) > 2
        else 1.0
    )
    return {
        "rows": len(rows),
        "graphs": len({row["graph"] for row in rows}),
        "median_error": round(float(np.median(np.abs(error))), 4),
        "within_10_percent": round(float(np.mean(np.abs(error) <= 0.1)), 4),
        "spearman": round(float(rank), 4),
        "bias": round(float(np.median(error)), 4),
        "log_sigma": round(float(np.quantile(np.abs(ratio), 0.9) / 1.645), 4),
        "a_round_of_its_own_median_error": round(float(np.median([row["apart"] for row in rows])), 4),
        "a_round_of_its_own_within_10_percent": round(
            float(np.mean([row["apart_within_10_percent"] for row in rows])), 4
        ),
        "half_of_its_own_rounds_within_10_percent": round(
            float(np.mean([row["halves_apart"] <= 0.1 for row in rows])), 4
        ),
        "as_disturbed_median_error": round(float(np.median(np.abs(disturbed))), 4),
        "as_disturbed_within_10_percent": round(float(np.mean(np.abs(disturbed) <= 0.1)), 4),
        "inside_90_percent_interval": round(float(np.mean(inside)), 4),
        "inside_the_width_of_a_quiet_machine": round(float(np.mean(quiet)), 4),
    }


if __name__ == "__main__":
    main()
