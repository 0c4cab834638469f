"""What both systems are given. NumPy only: this file also runs in the other system's environment."""

import json
import os
import statistics
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

SEED = 0
PROMPT_PHONEMES, TARGET_PHONEMES = 30, 30
PROMPT_TOKENS, STEPS, SPOKEN_TOKENS = 75, 100, 100
SENTENCES = 5  # of a round; each is a prefill, then its share of the STEPS: the caches are as cold as in use
PHONEME_IDS, CODES = 300, 1024  # ids below these are drawn
REFERENCE_S, SAMPLE_RATE_HZ = 5, 32000
THREADS = (1, 2)


def generator() -> np.random.Generator:
    return np.random.default_rng(SEED)


def phonemes() -> tuple[np.ndarray, np.ndarray]:
    """Of prompt and target."""
    ids = generator().integers(PHONEME_IDS, size=PROMPT_PHONEMES + TARGET_PHONEMES)
    return ids[:PROMPT_PHONEMES], ids[PROMPT_PHONEMES:]


def tokens(count: int) -> np.ndarray:
    return generator().integers(CODES, size=count)


def peak_memory_mb() -> float:
    """Peak resident memory of this process; VmHWM, for ru_maxrss is inherited over exec."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(text for text in status.read_text().splitlines() if text.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def decoding_ms(prefill, step) -> dict[str, float]:
    """Of a round's sentences: median prefill, mean step; ``step`` goes on from what ``prefill`` returned."""
    prefills, steps_s = [], 0.0
    for _ in range(SENTENCES):
        begin = perf_counter()
        state = prefill()
        filled = perf_counter()
        for _ in range(STEPS // SENTENCES):
            state = step(state)
        prefills.append(filled - begin)
        steps_s += perf_counter() - filled
    return {"prefill_ms": 1e3 * statistics.median(prefills), "step_ms": 1e3 * steps_s / STEPS}


def serve(run_round) -> None:
    """One JSON line for every line that comes in: milliseconds by part, and the memory peak so far."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print goes to stderr
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps({**run_round(), "peak_mb": peak_memory_mb()}), file=answers, flush=True)
