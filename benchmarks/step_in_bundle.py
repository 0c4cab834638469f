"""Where a step's time goes in a bundle: alone, in speech, and what the cost model says of it.

    taskset -c 1 python -m benchmarks.step_in_bundle --profile FOLDER/local.toml [--work FOLDER] [--rounds 9]

Bundles of the shipped model whose GPT reads 8 MB (int8, computed so), 5 MB (int4, computed so) and 32 MB
(int4, widened at load). One thread; rounds go over all bundles in turn: a neighbour's minute falls on each.
``alone`` are a sentence's steps with nothing between, ``between_draws`` and ``draw`` those of speech,
``first`` the first after the prefill, ``block`` the profiler's block of the same size: means of what was not
interrupted. ``step``, ``prefill``, ``sovits`` and ``total`` are the reference workload.
Writes ``results/latency_model/step_in_bundle.json``.
"""

import argparse
import os
from collections import defaultdict
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

from autocompress.bundle import Bundle, GraphSettings
from autocompress.bundle.decoder import Prompt
from autocompress.bundle.manifest import MANIFEST
from autocompress.bundle.sampling import choose
from autocompress.bundle.workload import run_workload
from autocompress.hardware.profile import read_profile
from autocompress.hardware.profiler.probes import Probe
from autocompress.hardware.profiler.timing import summarize, time_probe
from autocompress.metrics.cost import CostModel
from autocompress.metrics.cost.workload import REFERENCE_WORKLOAD as WORK
from autocompress.models.config import GptConfig
from autocompress.pipeline.evaluator import takes_bert
from autocompress.space import Candidate
from autocompress.transforms.onnx_precision import PrecisionPlan
from benchmarks.headline.making import Effort, Workshop, write_planned
from benchmarks.provenance import REPOSITORY, provenance, write_json

RESULTS = REPOSITORY / "results" / "latency_model" / "step_in_bundle.json"
WAYS = {"int8-computed": ("int8", True), "int4-computed": ("int4", True), "int4-stored": ("int4", False)}
_WINDOW_S = 0.1
Seconds = dict[str, float]


def main() -> None:
    given = _arguments()
    os.environ["OMP_NUM_THREADS"] = "1"
    shop = Workshop(given.work, 2, (), "", Effort())
    model = CostModel(
        shop.teacher.gpt.config,
        shop.teacher.sovits.config,
        read_profile(given.profile),
        bert=takes_bert(shop.teacher),
        threads=1,
    )
    bundles = {name: Bundle.load(made(shop, name), GraphSettings(1)) for name in WAYS}
    rounds: dict[str, list[Seconds]] = defaultdict(list)
    for _ in range(given.rounds + 1):  # the first warms up
        for name, bundle in bundles.items():
            rounds[name].append(timed(bundle, shop.teacher.gpt.config, WAYS[name]))
    rows = {name: row(model, shop.teacher.gpt.config, name, rounds[name][1:]) for name in bundles}
    write_json(given.out, provenance(0, threads=1, rounds=given.rounds) | {"milliseconds": rows})
    for name, found in rows.items():
        print(name, found)


def decisions(gpt: GptConfig, name: str) -> dict[str, str]:
    """Storage and compute of the GPT's blocks."""
    storage, computed = WAYS[name]
    roles = [f"gpt.{part}.{i}" for part in ("attention", "ffn") for i in range(len(gpt.blocks))]
    found = {f"storage.{role}": storage for role in roles}
    return found | ({f"compute.{role}": "dynamic-int8" for role in roles} if computed else {})


def made(shop: Workshop, name: str) -> Path:
    """The bundle, made once."""
    folder = shop.bundle(name)
    if not (folder / MANIFEST).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        plan = PrecisionPlan.of(
            Candidate(decisions(shop.teacher.gpt.config, name)), len(shop.teacher.gpt.config.blocks)
        )
        shop.alternative(folder, partial(write_planned, plan))
    return folder


def timed(bundle: Bundle, gpt: GptConfig, way: tuple[str, bool]) -> Seconds:
    """One round: seconds of one step, of the rest of whole workloads."""
    whole, block = run_workload(bundle), gpt.blocks[0]
    precision = way[0] if way[1] else "fp32"
    probe = Probe("block_step", precision, block.heads, 1, gpt.width, block.ffn, len(gpt.blocks))
    return {
        "alone": sentence(bundle, drawing=False)["between_draws"],
        **sentence(bundle, drawing=True),
        "block": time_probe(probe, 1, _WINDOW_S).seconds,
        "step": whole.steps_s / WORK.tokens,
        "prefill": whole.prefill_s,
        "sovits": whole.vocoder_s,
        "total": whole.latency_s,
    }


def sentence(bundle: Bundle, *, drawing: bool) -> Seconds:
    """Steps and draws of a sentence, each timed by itself."""
    generator, decoder = np.random.default_rng(0), bundle.decoder
    tokens = generator.integers(bundle.manifest.audio.codes, size=WORK.prompt_tokens + WORK.tokens)
    phonemes = generator.integers(1, 300, size=WORK.phonemes)
    decoder.prefill(Prompt(phonemes, tokens[: WORK.prompt_tokens]))
    steps, draws = [], []
    for index, token in enumerate(tokens[WORK.prompt_tokens :]):
        marks = [perf_counter()]
        logits = decoder.step(int(token))
        marks.append(perf_counter())
        if drawing:
            history = tokens[: WORK.prompt_tokens + index]
            choose(logits, history, bundle.manifest.speech, index, generator)
        marks.append(perf_counter())
        steps.append(marks[1] - marks[0])
        draws.append(marks[2] - marks[1])
    means = {"between_draws": steps[1:], "draw": draws}
    return {key: summarize(np.array(each)).mean_s for key, each in means.items()} | {"first": steps[0]}


def row(model: CostModel, gpt: GptConfig, name: str, rounds: list[Seconds]) -> dict[str, float]:
    """Medians over the rounds and the prediction, in milliseconds."""
    latency = model.cost(Candidate(decisions(gpt, name))).latency
    parts = {key: prediction.median_s for key, prediction in latency.by_component.items()}
    predicted = {
        "predicted_step": parts["step"] / WORK.tokens,
        "predicted_prefill": parts["prefill"],
        "predicted_sovits": parts["prior"] + parts["flow"] + parts["vocoder"],
        "predicted_total": latency.total.median_s,
    }
    found = {key: float(np.median([one[key] for one in rounds])) for key in rounds[0]} | predicted
    return {key: round(1e3 * value, 4) for key, value in found.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--profile", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=REPOSITORY / "runs" / "headline")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
