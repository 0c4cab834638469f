"""Ways to keep the cache of the cached step, measured side by side: full-size v2, fp32.

    python benchmarks/runtime/step_cache.py [--work build/runtime] [--rounds 3] [--threads 1 2]

Every way runs the same 100 tokens after 135 filled positions, in turn, in one process. Measure on a quiet
machine. Writes ``step_cache.csv`` to ``results/runtime``.
"""

import argparse
import csv
import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import onnxruntime as ort
import systems
import workload

from autocompress.bundle.sessions import SessionSettings, open_session

RESULTS = Path(__file__).resolve().parents[2] / "results" / "runtime"
FILLED = workload.PROMPT_PHONEMES + workload.TARGET_PHONEMES + workload.PROMPT_TOKENS
CAPACITY = 256
Step = Callable[[int, int], None]  # (token, steps done)


class Cache:
    """One session and its cache tensors."""

    def __init__(self, session, capacity: int) -> None:
        self.session = session
        inputs = {value.name: value for value in session.get_inputs()}
        self.names = [name for name in inputs if "_in_" in name]
        self.takes_length = "length" in inputs
        self.shapes = [(1, inputs[name].shape[1], capacity, inputs[name].shape[3]) for name in self.names]

    def fresh(self) -> list[np.ndarray]:
        random = workload.generator()
        return [random.standard_normal(shape, np.float32) for shape in self.shapes]

    def scalars(self, token: int, done: int) -> dict[str, np.ndarray]:
        out = {"token": np.array([[token]]), "position": np.array([workload.PROMPT_TOKENS + done])}
        return out | ({"length": np.array([FILLED + done], np.int32)} if self.takes_length else {})


def bound_in_place(cache: Cache) -> Step:
    """The same memory is input and output."""
    values = [ort.OrtValue.ortvalue_from_numpy(state) for state in cache.fresh()]
    binding = cache.session.io_binding()
    for name, value in zip(cache.names, values, strict=True):
        binding.bind_ortvalue_input(name, value)
        binding.bind_ortvalue_output(name.replace("_in_", "_out_"), value)
    binding.bind_output("logits")

    def step(token: int, done: int) -> None:
        for name, value in cache.scalars(token, done).items():
            binding.bind_cpu_input(name, value)
        cache.session.run_with_iobinding(binding)

    return step


def passed_by_value(cache: Cache) -> Step:
    """NumPy arrays in and out: what a plain ``session.run`` loop does."""
    states = cache.fresh()
    outputs = ["logits", *(name.replace("_in_", "_out_") for name in cache.names)]

    def step(token: int, done: int) -> None:
        fed = {**cache.scalars(token, done), **dict(zip(cache.names, states, strict=True))}
        states[:] = cache.session.run(outputs, fed)[1:]

    return step


def bound_and_handed_on(cache: Cache) -> Step:
    """Outputs stay with ONNX Runtime and become the next inputs."""
    values = [ort.OrtValue.ortvalue_from_numpy(state) for state in cache.fresh()]

    def step(token: int, done: int) -> None:
        binding = cache.session.io_binding()
        for name, value in cache.scalars(token, done).items():
            binding.bind_cpu_input(name, value)
        for name, value in zip(cache.names, values, strict=True):
            binding.bind_ortvalue_input(name, value)
            binding.bind_output(name.replace("_in_", "_out_"))
        binding.bind_output("logits")
        cache.session.run_with_iobinding(binding)
        values[:] = binding.get_outputs()[: len(values)]

    return step


WAYS: dict[tuple[str, str], tuple[int, Callable[[Cache], Step]]] = {
    ("shared", "bound in place"): (CAPACITY, bound_in_place),
    ("shared", "by value"): (CAPACITY, passed_by_value),
    ("scatter", "bound in place"): (CAPACITY, bound_in_place),
    ("scatter", "by value"): (CAPACITY, passed_by_value),
    ("concat", "bound, handed on"): (FILLED, bound_and_handed_on),
    ("concat", "by value"): (FILLED, passed_by_value),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("build/runtime"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=list(workload.THREADS))
    given = parser.parse_args()
    rows = [row for threads in given.threads for row in measure(given.work, threads, given.rounds)]
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "step_cache.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    for row in rows:
        print(row)


def measure(work: Path, threads: int, rounds: int) -> list[dict]:
    graphs = {variant: systems.prepare_step(work, variant) for variant in systems.STEP_VARIANTS}
    sessions = {
        variant: open_session(path, "CPU", SessionSettings(threads)) for variant, path in graphs.items()
    }
    found: dict[tuple[str, str], list[float]] = {way: [] for way in WAYS}
    for number in range(rounds + 1):
        for way, (capacity, make) in WAYS.items():
            step_ms = _run(make(Cache(sessions[way[0]], capacity)))
            if number:  # the first warms up
                found[way].append(step_ms)
    return [
        {
            "threads": threads,
            "cache": variant,
            "passing": passing,
            "step_ms": round(statistics.median(times), 3),
            "fastest_ms": round(min(times), 3),
            "rounds": rounds,
            "steps": workload.STEPS,
        }
        for (variant, passing), times in found.items()
    ]


def _run(step: Step) -> float:
    begin = perf_counter()
    for done, token in enumerate(workload.tokens(workload.STEPS)):
        step(int(token), done)
    return 1e3 * (perf_counter() - begin) / workload.STEPS


if __name__ == "__main__":
    main()
