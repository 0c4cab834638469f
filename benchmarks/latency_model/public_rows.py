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
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import onnxruntime
import scipy
from graphs import vocoder
from speech_models import FRAMES_PER_S, matcha_decoder, parakeet_tdt_06b, sense_voice_small
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

# Which architecture a published row measured; the two Piper voices share one.
ROWS = {
    "vits-ljs VITS HiFiGAN-V1 (109MB)": "vits-ljs",
    "vits-piper-en_US-lessac-medium (61MB)": "piper-medium",
    "vits-piper-en_US-glados (61MB)": "piper-medium",
    "vits-aishell3 (30MB)": "icefall-low-8k",
    "matcha-icefall-en_US-ljspeech (71MB)": "matcha-hifigan-v2",
    "SenseVoice-small 5.592 s audio": "sense-voice-small",
    "Parakeet-TDT-0.6B-v2 7.435 s audio": "parakeet-tdt-0.6b",
}
BOARDS = {"Raspberry Pi 4B": "raspberry-pi-4", "RK3588": "rk3588"}
RECOGNISERS = {
    "sense-voice-small": (sense_voice_small, 5.592),
    "parakeet-tdt-0.6b": (parakeet_tdt_06b, 7.435),
}
TOPS, HALVES = (0.6, 0.65, 0.7, 0.75, 0.8), (8.0, 16.0, 24.0)


def machine_name():
    """The CPU's own name where Linux tells it; the numbers here do not depend on it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def environment():
    return {
        "date": date.today().isoformat(),
        "machine": machine_name(),
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


@dataclass(frozen=True)
class Row:
    """A published real-time factor of a known architecture on a known board."""

    device: str
    model: str
    architecture: str
    threads: int
    rtf: float


def published(folder):
    """The rows that the model can describe, in the order of the file."""
    with (folder / "published_latencies.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "RTF" and row["model"] in ROWS]
    boards = [next(board for name, board in BOARDS.items() if row["device"].startswith(name)) for row in rows]
    return [
        Row(board, row["model"], ROWS[row["model"]], int(row["cores/threads"]), float(row["value"]))
        for board, row in zip(boards, rows, strict=True)
    ]


def with_convolution(top, half):
    kernels = {
        key: replace(kernel, top=kernel.top * top / 0.7, half_n=half) if key[0] == CONV else kernel
        for key, kernel in PRIOR_EFFICIENCIES.kernels.items()
    }
    return replace(PRIOR_EFFICIENCIES, kernels=kernels)


def real_time_factors(models, rows, efficiencies):
    """Predicted, [rows]; ``models`` holds columns and seconds of audio by architecture."""
    found = []
    for row in rows:
        columns, audio_s = models[row.architecture]
        machine = Machine.of(load_profile(row.device), row.threads)
        found.append(operator_seconds(columns, machine, efficiencies).sum() / audio_s)
    return np.array(found)


def left_out(models, rows, measured):
    """Predicted with the free numbers set by the other architectures, [rows]."""
    names = np.array([row.architecture for row in rows])
    grid = {(t, h): real_time_factors(models, rows, with_convolution(t, h)) for t in TOPS for h in HALVES}
    found = np.empty_like(measured)
    for name in models:
        others = names != name
        best = min(grid, key=lambda key, others=others: np.abs(np.log(grid[key] / measured))[others].sum())
        found[~others] = grid[best][~others]
    return found


def voice_operators():
    """Operators of each VITS voice as ONNX Runtime executes them."""
    graphs = {name: voice_graph(voice, AUDIO_S) for name, voice in VOICES.items()}
    return {name: read_graph(graph, optimization="extended").operators for name, graph in graphs.items()}


def operators_and_audio():
    """Every architecture: its operators and the seconds of audio that they stand for."""
    found = {name: (operators, AUDIO_S) for name, operators in voice_operators().items()}
    hifigan_v2 = vocoder(128, (8, 8, 2, 2), (16, 16, 4, 4), round(AUDIO_S * FRAMES_PER_S), 80)
    spoken = read_graph(hifigan_v2, optimization="extended").operators
    found["matcha-hifigan-v2"] = ([*matcha_decoder(AUDIO_S), *spoken], AUDIO_S)
    return found | {name: (model(audio_s), audio_s) for name, (model, audio_s) in RECOGNISERS.items()}


OPERATOR_FIELDS = ("family", "precision", "work", "bytes", "weight_bytes", "m", "k", "n", "count")


def write_operators(path):
    """The voices' operators as a table: what the test of the published rows reads."""
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
    rows = published(folder)
    models = {n: (OperatorColumns.of(ops), audio_s) for n, (ops, audio_s) in operators_and_audio().items()}
    measured = np.array([row.rtf for row in rows])
    shipped = real_time_factors(models, rows, PRIOR_EFFICIENCIES)
    spread = np.exp(INTERVAL * PRIOR_EFFICIENCIES.log_sigma)
    return [
        {
            **asdict(row), "predicted_rtf": round(p, 4), "low_rtf": round(p / spread, 4),
            "high_rtf": round(p * spread, 4), "error": round(p / row.rtf - 1, 4),
            "left_out_rtf": round(out, 4), "left_out_error": round(out / row.rtf - 1, 4),
        }
        for row, p, out in zip(rows, shipped, left_out(models, rows, measured), strict=True)
    ]  # fmt: skip


def no_run_summary(rows):
    """Of all rows, and of the Raspberry Pi 4 rows of VITS and Piper alone."""
    vits = [row for row in rows if row["architecture"] in VOICES]
    return {
        "all": errors_of(rows),
        "vits_and_piper": errors_of(vits),
        "log_sigma": PRIOR_EFFICIENCIES.log_sigma,
    }


def errors_of(rows):
    errors = np.abs([row["error"] for row in rows])
    out = np.array([row["left_out_error"] for row in rows])
    inside = [row["low_rtf"] <= row["rtf"] <= row["high_rtf"] for row in rows]
    inside_out = np.abs(np.log1p(out)) <= INTERVAL * PRIOR_EFFICIENCIES.log_sigma
    return {
        "rows": len(rows),
        "median_error": float(np.median(errors)),
        "largest_error": float(errors.max()),
        "coverage_90": float(np.mean(inside)),
        "left_out_median_error": float(np.median(np.abs(out))),
        "left_out_coverage_90": float(np.mean(inside_out)),
        "left_out_log_sigma": float(np.quantile(np.abs(np.log1p(out)), 0.9) / INTERVAL),
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
    voices = no_run(arguments.devices)
    write(arguments.out, "no_run", voices, no_run_summary(voices))
    print(json.dumps(no_run_summary(voices), indent=2))
    runs = few_runs([arguments.devices / "hat_a72_wmt14_ende.csv", *arguments.extra])
    ten = next(r for r in runs if r["calibrate"] == 10)
    write(arguments.out, "few_runs", runs, {"ten_runs": ten})


if __name__ == "__main__":
    main()
