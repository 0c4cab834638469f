"""What both systems are given. NumPy only: this file also runs in the other system's environment."""

import json
import os
import sys
from pathlib import Path

import numpy as np

SEED = 0
PROMPT_PHONEMES, TARGET_PHONEMES = 30, 30
PROMPT_TOKENS, STEPS, SPOKEN_TOKENS = 75, 100, 100
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


def serve(run_round) -> None:
    """One JSON line for every line that comes in: milliseconds by part, and the memory peak so far."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print goes to stderr
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps({**run_round(), "peak_mb": peak_memory_mb()}), file=answers, flush=True)
