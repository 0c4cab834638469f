"""Where the prefill's time goes, and what its matrix products could reach at best on one thread.

    python benchmarks/runtime/prefill_limits.py [--work build/runtime] [--runs 8] [--out FOLDER]

Times every operator of the full-size prefill, and one feed-forward block (24 layers of weights, so that
they do not stay in a cache) as Gemm, as MatMul, as 1 x 1 convolutions and with the weights on the left.
Writes ``prefill.json`` to ``--out``.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter

import numpy as np
import onnxruntime as ort
import systems
import workload
from onnx import TensorProto, helper, numpy_helper

from autocompress.bundle.huge_pages import weights_in_huge_pages
from autocompress.hardware.profiler.machine import read_machine

RESULTS = Path(__file__).resolve().parents[2] / "results" / "runtime"
ROWS = workload.PROMPT_PHONEMES + workload.TARGET_PHONEMES + workload.PROMPT_TOKENS
WIDTH, INNER, LAYERS = 512, 2048, 24
PRODUCTS = ("Gemm", "FusedGemm", "MatMul", "FusedMatMul")


class Feed:
    """Nodes and weights of a stack of feed-forward blocks under construction."""

    def __init__(self) -> None:
        self.nodes: list = []
        self.weights: list = []
        self._random = workload.generator()

    def weight(self, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        values = 0.03 * self._random.standard_normal(shape, np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def sizes(self, *values: int) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def add(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def model(self, output: str) -> bytes:
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [ROWS, WIDTH]) for name in ("x", output)
        ]
        graph = helper.make_graph(self.nodes, "g", ends[:1], ends[1:], self.weights)
        opset = [helper.make_opsetid("", 20)]
        return helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()


def as_gemm(b: Feed, x: str) -> str:
    inner = b.add("Relu", b.add("Gemm", x, b.weight(INNER, WIDTH), b.weight(INNER), transB=1))
    return b.add("Gemm", inner, b.weight(WIDTH, INNER), b.weight(WIDTH), transB=1)


def as_matmul(b: Feed, x: str) -> str:
    inner = b.add("Relu", b.add("Add", b.add("MatMul", x, b.weight(WIDTH, INNER)), b.weight(INNER)))
    return b.add("Add", b.add("MatMul", inner, b.weight(INNER, WIDTH)), b.weight(WIDTH))


def as_convolution(b: Feed, x: str) -> str:
    """Channels first, in ONNX Runtime's blocked layout between the two; the turns are counted."""
    image = b.add("Reshape", b.add("Transpose", x, perm=[1, 0]), b.sizes(1, WIDTH, 1, ROWS))
    inner = b.add("Relu", b.add("Conv", image, b.weight(INNER, WIDTH, 1, 1), b.weight(INNER)))
    image = b.add("Conv", inner, b.weight(WIDTH, INNER, 1, 1), b.weight(WIDTH))
    return b.add("Transpose", b.add("Reshape", image, b.sizes(WIDTH, ROWS)), perm=[1, 0])


def as_left_matmul(b: Feed, x: str) -> str:
    turned = b.add("Transpose", x, perm=[1, 0])
    inner = b.add("Relu", b.add("MatMul", b.weight(INNER, WIDTH), turned))
    return b.add("Transpose", b.add("MatMul", b.weight(WIDTH, INNER), inner), perm=[1, 0])


FORMS: dict[str, Callable[[Feed, str], str]] = {
    "gemm": as_gemm,
    "matmul": as_matmul,
    "convolution 1 x 1": as_convolution,
    "weights on the left": as_left_matmul,
}


def open_session(model: "bytes | str", profile: str = "") -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def form_rates(runs: int) -> dict[str, float]:
    """GFLOP/s of each form, the forms in turn."""
    sessions = {}
    with weights_in_huge_pages(4 * len(FORMS) * LAYERS * 2 * WIDTH * INNER):
        for name, form in FORMS.items():
            stack, x = Feed(), "x"
            for _ in range(LAYERS):
                x = form(stack, x)
            sessions[name] = open_session(stack.model(x))
    feeds = {"x": workload.generator().standard_normal((ROWS, WIDTH), np.float32)}
    times = defaultdict(list)
    for _ in range(runs):
        for name, session in sessions.items():
            begin = perf_counter()
            session.run(None, feeds)
            times[name].append(perf_counter() - begin)
    work = LAYERS * 4 * ROWS * WIDTH * INNER
    return {name: round(work / statistics.median(found) / 1e9, 1) for name, found in times.items()}


def operator_times(path: Path, runs: int) -> dict[str, float]:
    """Milliseconds by kind of operator: medians over runs, the first two left out."""
    with tempfile.TemporaryDirectory() as folder, weights_in_huge_pages(path.stat().st_size):
        session = open_session(str(path), str(Path(folder) / "prefill"))
        ids, tokens = np.concatenate(workload.phonemes())[None], workload.tokens(workload.PROMPT_TOKENS)[None]
        feeds = {"phoneme_ids": ids, "prompt": tokens, "bert": np.zeros((1, 1024, ids.shape[1]), np.float32)}
        for _ in range(runs + 2):
            session.run(None, feeds)
        return _summed(json.loads(Path(session.end_profiling()).read_text()), runs + 2)


def _summed(events: list[Mapping], runs: int) -> dict[str, float]:
    kernels = [event for event in events if event["name"].endswith("kernel_time")]
    each = len(kernels) // runs
    found: dict[str, list[float]] = defaultdict(list)
    for run in range(2, runs):
        sums: dict[str, float] = defaultdict(float)
        for event in kernels[run * each : (run + 1) * each]:
            sums[event["args"]["op_name"]] += event["dur"] / 1e3
        for kind, total in sums.items():
            found[kind].append(total)
    medians = {kind: round(statistics.median(times), 2) for kind, times in found.items()}
    return dict(sorted(medians.items(), key=lambda item: -item[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/runtime"))
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--out", type=Path, default=RESULTS, help="one folder a machine")
    given = parser.parse_args()
    by_kind = operator_times(systems.prepare_ours(given.work) / "gpt_prefill.onnx", given.runs)
    rates = form_rates(given.runs)
    report = {
        "machine": read_machine().identity,
        "threads": 1,
        "command": "python benchmarks/runtime/prefill_limits.py " + " ".join(sys.argv[1:]),
        "rows": ROWS,
        "operators_ms": by_kind,
        "sum_ms": round(sum(by_kind.values()), 1),
        "products_ms": round(sum(by_kind.get(kind, 0.0) for kind in PRODUCTS), 1),
        "feed_forward_gflop_s": rates,
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "prefill.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
