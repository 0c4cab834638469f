"""Validates the latency model on published measurements; writes tables under ``results/latency_model``.

    python benchmarks/latency_model/public_rows.py --devices FOLDER [--out FOLDER] [--extra TABLE.csv]

FOLDER holds ``hat_a72_wmt14_ende.csv`` (HAT's latency dataset) and ``published_latencies.csv``.
few_runs: random rows of a table calibrate, the rest test. no_run: published speech models from public facts
alone, and each with the free numbers set by the other models.
"""

import argparse
import csv
import json
import platform
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import onnxruntime
import scipy
from voices import VOICES, voice_graph

from autocompress.hardware.graph import read_graph
from autocompress.hardware.library import load_profile
from autocompress.hardware.operators import CONV, OperatorColumns
from autocompress.hardware.priors import PRIOR_EFFICIENCIES
from autocompress.hardware.roofline import Machine, operator_seconds
from autocompress.hardware.table_fit import fit_table
from autocompress.hardware.transformer_table import read_transformer_table

SEED = 0
DRAWS = 50
COUNTS = (3, 5, 10, 20, 50, 100)
AUDIO_S = 6.0
INTERVAL = 1.645

# Which voice a published row measured; the two Piper voices share an architecture.
ROWS = {
    "vits-ljs VITS HiFiGAN-V1 (109MB)": "vits-ljs",
    "vits-piper-en_US-lessac-medium (61MB)": "piper-medium",
    "vits-piper-en_US-glados (61MB)": "piper-medium",
    "vits-aishell3 (30MB)": "icefall-low-8k",
}
TOPS, HALVES = (0.6, 0.65, 0.7, 0.75, 0.8), (8.0, 16.0, 24.0)


def environment():
    return {
        "date": date.today().isoformat(),
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "onnxruntime": onnxruntime.__version__,
        "seed": SEED,
        "command": "python " + " ".join(sys.argv),
    }


def write(folder, name, rows, summary):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    document = json.dumps({**summary, "environment": environment()}, indent=2)
    (folder / f"{name}.json").write_text(document + "\n", "utf-8")


def plain_linear(path, column, count):
    """What one would do without this model: least squares on four numbers of the encoder or decoder."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    half = "encoder" if "encoder" in column else "decoder"
    names = [f"{half}_{name}" for name in ("layer_num", "embed_dim", "ffn_embed_dim_avg")]
    layers, width, ffn = (np.array([float(row[n]) for row in rows]) for n in names)
    features = np.stack([np.ones_like(width), width, layers, layers * ffn], axis=1)
    latency = np.array([float(row[column]) for row in rows])
    generator = np.random.default_rng(SEED)
    errors, within = [], []
    for _ in range(DRAWS):
        order = generator.permutation(len(rows))
        known, tested = order[:count], order[count:]
        weights = np.linalg.lstsq(features[known], latency[known], rcond=None)[0]
        error = np.abs(features[tested] @ weights / latency[tested] - 1)
        errors.append(error.mean())
        within.append(np.mean(error <= 0.1))
    return {"linear_mean_error": float(np.mean(errors)), "linear_within_10_percent": float(np.mean(within))}


def few_runs(tables):
    rows = []
    for path in tables:
        for column in ("latency_mean_decoder", "latency_mean_encoder"):
            table = read_transformer_table(path, column)
            for count in (c for c in COUNTS if c <= len(table.latency) // 2):
                report = fit_table(table, count, DRAWS, SEED)
                numbers = {
                    **report.summary(),
                    "coverage_90": report.coverage_90,
                    **plain_linear(path, column, count),
                }
                rounded = {key: round(value, 4) for key, value in numbers.items()}
                rows.append(
                    {"table": path.name, "rows": len(table.latency), "column": column, "calibrate": count}
                    | rounded
                )
                print(rows[-1], file=sys.stderr)
    return rows


def published(folder):
    """(model, voice, threads, RTF) of the Raspberry Pi 4 rows with a known architecture."""
    with (folder / "published_latencies.csv").open(encoding="utf-8") as file:
        found = [
            r
            for r in csv.DictReader(file)
            if r["device"].startswith("Raspberry Pi 4B") and r["model"] in ROWS
        ]
    return [(r["model"], ROWS[r["model"]], int(r["cores/threads"]), float(r["value"])) for r in found]


def with_convolution(top, half):
    kernels = {
        key: replace(kernel, top=kernel.top * top / 0.7, half_n=half) if key[0] == CONV else kernel
        for key, kernel in PRIOR_EFFICIENCIES.kernels.items()
    }
    return replace(PRIOR_EFFICIENCIES, kernels=kernels)


def real_time_factors(columns, profile, rows, efficiencies):
    return np.array(
        [
            operator_seconds(columns[voice], Machine.of(profile, threads), efficiencies).sum() / AUDIO_S
            for _, voice, threads, _ in rows
        ]
    )


def voice_operators():
    """Operators of each voice as ONNX Runtime executes them."""
    names = sorted(set(ROWS.values()))
    return {n: read_graph(voice_graph(VOICES[n], AUDIO_S), optimization="extended").operators for n in names}


OPERATOR_FIELDS = ("family", "precision", "work", "bytes", "weight_bytes", "m", "k", "n", "count")


def write_operators(path):
    """The operators as a table: what the test of the published rows reads."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("voice", *OPERATOR_FIELDS))
        for voice, operators in voice_operators().items():
            rows = {}
            for op in operators:
                key = tuple(getattr(op, name) for name in OPERATOR_FIELDS[:-1])
                rows[key] = rows.get(key, 0) + op.count
            writer.writerows((voice, *key, count) for key, count in rows.items())


def no_run(folder):
    rows, profile = published(folder), load_profile("raspberry-pi-4")
    graphs = {
        name: read_graph(voice_graph(VOICES[name], AUDIO_S), optimization="extended")
        for name in set(ROWS.values())
    }
    columns = {name: OperatorColumns.of(graph.operators) for name, graph in graphs.items()}
    measured = np.array([rtf for *_, rtf in rows])
    voices = np.array([voice for _, voice, *_ in rows])
    shipped = real_time_factors(columns, profile, rows, PRIOR_EFFICIENCIES)
    grid = {
        (t, h): real_time_factors(columns, profile, rows, with_convolution(t, h))
        for t in TOPS
        for h in HALVES
    }
    left_out = np.empty_like(measured)
    for voice in columns:
        others = voices != voice
        best = min(grid, key=lambda key, others=others: np.abs(np.log(grid[key] / measured))[others].sum())
        left_out[~others] = grid[best][~others]
    spread = np.exp(INTERVAL * PRIOR_EFFICIENCIES.log_sigma)
    return [
        {
            "device": profile.id, "model": model, "voice": voice, "threads": threads, "measured_rtf": rtf,
            "predicted_rtf": round(p, 4), "low_rtf": round(p / spread, 4), "high_rtf": round(p * spread, 4),
            "error": round(p / rtf - 1, 4), "left_out_rtf": round(out, 4),
            "left_out_error": round(out / rtf - 1, 4),
        }
        for (model, voice, threads, rtf), p, out in zip(rows, shipped, left_out, strict=True)
    ]  # fmt: skip


def no_run_summary(rows):
    errors = np.abs([row["error"] for row in rows])
    left_out = np.array([row["left_out_error"] for row in rows])
    outside = np.abs(np.log1p(left_out)) > INTERVAL * PRIOR_EFFICIENCIES.log_sigma
    inside = [row["low_rtf"] <= row["measured_rtf"] <= row["high_rtf"] for row in rows]
    return {
        "rows": len(rows),
        "median_error": float(np.median(errors)),
        "largest_error": float(errors.max()),
        "coverage_90": float(np.mean(inside)),
        "left_out_median_error": float(np.median(np.abs(left_out))),
        "left_out_coverage_90": float(np.mean(~outside)),
        "left_out_log_sigma": float(np.quantile(np.abs(np.log1p(left_out)), 0.9) / INTERVAL),
        "log_sigma": PRIOR_EFFICIENCIES.log_sigma,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=Path, default=Path("../shared/devices"))
    parser.add_argument(
        "--extra", type=Path, action="append", default=[], help="further tables in HAT's columns"
    )
    parser.add_argument("--out", type=Path, default=Path("results/latency_model"))
    parser.add_argument("--operators", type=Path, help="only write the voices' operators to this file")
    arguments = parser.parse_args()
    if arguments.operators:
        write_operators(arguments.operators)
        return
    runs = few_runs([arguments.devices / "hat_a72_wmt14_ende.csv", *arguments.extra])
    ten = next(r for r in runs if r["calibrate"] == 10)
    write(arguments.out, "few_runs", runs, {"ten_runs": ten})
    voices = no_run(arguments.devices)
    write(arguments.out, "no_run", voices, no_run_summary(voices))
    print(json.dumps(no_run_summary(voices), indent=2))


if __name__ == "__main__":
    main()
