"""Size and latency of each precision on each part of the model, on this machine.

    python benchmarks/precision/table.py GRAPHS [--graphs step prefill sovits] [--rounds 9] [--threads 1]

GRAPHS: a folder of fp32 graphs as ``autocompress.models.onnx.export_graphs`` writes them. One part at a time
takes one precision, the rest stays fp32; all variants of a graph run in turn, round by round, so that a busy
moment falls on all of them. Writes ``table.csv`` and ``table.json`` to ``results/precision``; graphs that are
not asked for keep what an earlier run wrote.
"""

import argparse
import csv
import json
import platform
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import onnxruntime as ort

from autocompress.hardware.profiler.machine import read_machine
from autocompress.transforms.onnx_precision import PrecisionPlan, write_graphs
from autocompress.transforms.onnx_precision.parity import relative_error

RESULTS = Path(__file__).resolve().parents[2] / "results" / "precision"
FILES = {"prefill": "gpt_prefill.onnx", "step": "gpt_step.onnx", "sovits": "sovits.onnx"}
PARTS = {
    "prefill": ("gpt",),
    "step": ("gpt",),
    "sovits": ("sovits.prior", "sovits.flow", "sovits.vocoder"),
}
PRECISIONS = (
    ("fp16", "fp32"), ("int8", "fp32"), ("int4", "fp32"),
    ("int8", "dynamic-int8"), ("int4", "dynamic-int8"),
)  # fmt: skip
COLUMNS = (
    "graph", "part", "storage", "compute", "threads", "size_bytes", "latency_ms", "low_ms", "high_ms",
    "over_fp32", "relative_change", "rounds",
)  # fmt: skip
PHONEMES, PROMPT, TOKENS = 60, 75, 100  # the reference workload: four seconds of speech


@dataclass(frozen=True)
class Variant:
    part: str
    storage: str
    compute: str

    @property
    def plan(self) -> PrecisionPlan:
        inner = ("gpt.attention", "gpt.ffn") if self.part == "gpt" else (self.part,)
        computed = dict.fromkeys(inner, self.compute) if self.compute != "fp32" else {}
        return PrecisionPlan({self.part: self.storage}, computed)


def main() -> None:
    given = _arguments()
    rows = [row for row in _earlier() if row["graph"] not in given.graphs]
    for graph in given.graphs:
        rows += measure(graph, given.folder, given.rounds, given.threads)
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    facts = {
        "machine": read_machine().identity,
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "command": shlex.join(["python", "benchmarks/precision/table.py", *sys.argv[1:]]),
        "workload": {"phonemes": PHONEMES, "prompt_tokens": PROMPT, "tokens": TOKENS},
        "weights": "random, of the reference model's sizes",
    }
    (RESULTS / "table.json").write_text(json.dumps(facts, indent=2) + "\n")


def measure(graph: str, folder: Path, rounds: int, threads: int) -> list[dict[str, object]]:
    variants = [Variant(PARTS[graph][0], "fp32", "fp32")]
    variants += [Variant(part, *precision) for part in PARTS[graph] for precision in PRECISIONS]
    with tempfile.TemporaryDirectory() as scratch:
        sessions, sizes = [], []
        for number, variant in enumerate(variants):
            written = write_graphs({graph: folder / FILES[graph]}, variant.plan, Path(scratch) / str(number))
            sessions.append(_session(written.paths[graph], threads))
            sizes.append(written.size_bytes)
        feeds = _feeds(graph, sessions[0])
        answers = [session.run(None, feeds)[0] for session in sessions]
        times = _interleaved(sessions, feeds, rounds, 20 if graph == "step" else 1)
    base = median(times[0])
    return [
        {
            "graph": graph, "part": variant.part if number else "-", "storage": variant.storage,
            "compute": variant.compute, "threads": threads, "size_bytes": sizes[number],
            "latency_ms": f"{median(took) * 1e3:.4g}", "low_ms": f"{min(took) * 1e3:.4g}",
            "high_ms": f"{max(took) * 1e3:.4g}", "over_fp32": f"{median(took) / base:.3f}",
            "relative_change": f"{relative_error(answers[number], answers[0]):.2g}", "rounds": rounds,
        }
        for number, (variant, took) in enumerate(zip(variants, times, strict=True))
    ]  # fmt: skip


def _interleaved(
    sessions: list[ort.InferenceSession], feeds: dict[str, np.ndarray], rounds: int, runs: int
) -> list[list[float]]:
    """Seconds a run, by session and round."""
    times: list[list[float]] = [[] for _ in sessions]
    for _ in range(rounds):
        for session, took in zip(sessions, times, strict=True):
            begin = perf_counter()
            for _ in range(runs):
                session.run(None, feeds)
            took.append((perf_counter() - begin) / runs)
    return times


def _session(path: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _feeds(graph: str, session: ort.InferenceSession) -> dict[str, np.ndarray]:
    """Seeded inputs of the reference workload; open dimensions by the input's name."""
    generator = np.random.default_rng(0)
    named = dict(_inputs(graph, generator, session))
    return {entry.name: named[entry.name] for entry in session.get_inputs()}


def _inputs(
    graph: str, generator: np.random.Generator, session: ort.InferenceSession
) -> Iterator[tuple[str, np.ndarray]]:
    shapes = {entry.name: entry.shape for entry in session.get_inputs()}

    def normal(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape, dtype=np.float32)

    yield "phoneme_ids", generator.integers(0, 300, (1, PHONEMES))
    if graph == "prefill":
        yield "prompt", generator.integers(0, 500, (1, PROMPT))
        yield "bert", normal(1, 1024, PHONEMES)
    elif graph == "sovits":
        yield "codes", generator.integers(0, 500, (1, TOKENS))
        yield "style", normal(*shapes["style"])
        yield "noise", 0.5 * normal(1, shapes["noise"][1], 2 * TOKENS)
        yield "window", np.array([0, 2 * TOKENS])
    else:
        filled = PHONEMES + PROMPT + TOKENS // 2
        yield from (("token", np.array([[7]])), ("position", np.array([PROMPT + TOKENS // 2])))
        yield "length", np.array([filled], np.int32)
        for name, shape in shapes.items():
            if name.startswith(("key_in", "value_in")):
                yield name, normal(1, shape[1], 256, shape[3])


def _earlier() -> list[dict[str, object]]:
    path = RESULTS / "table.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--graphs", nargs="+", choices=FILES, default=list(FILES))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
