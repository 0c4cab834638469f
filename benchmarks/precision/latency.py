"""Latency of graphs against the first of them: all run in turn, round by round.

Others on the machine can only make a run longer, so the mean of the faster half of its rounds stands for each
graph; the interval of a ratio draws whole rounds, on which a busy moment falls together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from autocompress.bundle.sessions import Session, SessionSettings, open_session

PHONEMES, PROMPT, TOKENS = 60, 75, 100  # the reference workload: four seconds of speech
RUNS = {"prefill": 2, "step": 20, "sovits": 1}  # in a row, one time: short graphs are timed together
_CAPACITY = 256


@dataclass(frozen=True)
class Timed:
    """Milliseconds of one run in the faster half, and its ratio to the first graph with a 90 % interval."""

    quick_ms: float
    over_first: float
    low: float
    high: float
    rounds: int


def interleaved(graph: str, paths: Sequence[Path], rounds: int, threads: int) -> list[Timed]:
    """Time ``paths``, variants of one graph."""
    sessions = [open_session(path, "CPU", SessionSettings(threads)) for path in paths]
    feeds = inputs(graph, sessions[0])
    for session in sessions:
        session.run(None, feeds)
    seconds = np.array([[_once(s, feeds, RUNS[graph]) for s in sessions] for _ in range(rounds)])
    return [_timed(seconds[:, i], seconds[:, 0]) for i in range(len(sessions))]


def _once(session: Session, feeds: dict[str, np.ndarray], runs: int) -> float:
    begin = perf_counter()
    for _ in range(runs):
        session.run(None, feeds)
    return (perf_counter() - begin) / runs


def _timed(own: np.ndarray, first: np.ndarray) -> Timed:  # [rounds]
    draws = np.random.default_rng(0).integers(len(own), size=(1000, len(own)))
    low, high = np.quantile(_quick(own[draws]) / _quick(first[draws]), (0.05, 0.95))
    ratio = float(_quick(own) / _quick(first))
    return Timed(float(_quick(own)) * 1e3, ratio, float(low), float(high), len(own))


def _quick(seconds: np.ndarray) -> np.ndarray:  # [..., rounds] -> [...]
    """Mean of the faster half."""
    half = (seconds.shape[-1] + 1) // 2
    return np.sort(seconds, axis=-1)[..., :half].mean(axis=-1)


def inputs(graph: str, session: Session) -> dict[str, np.ndarray]:
    """Seeded inputs of the reference workload, those that the graph takes."""
    generator = np.random.default_rng(0)
    shapes = {entry.name: entry.shape for entry in session.get_inputs()}

    def normal(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape, dtype=np.float32)

    if graph == "prefill":
        known = {"phoneme_ids": _ids(generator, 300, PHONEMES), "prompt": _ids(generator, 500, PROMPT)}
        known["bert"] = normal(1, 1024, PHONEMES)
    elif graph == "sovits":
        known = {"phoneme_ids": _ids(generator, 300, PHONEMES // 2), "codes": _ids(generator, 500, TOKENS)}
        known |= {"style": normal(*shapes["style"]), "window": np.array([0, 2 * TOKENS])}
        known["noise"] = 0.5 * normal(1, shapes["noise"][1], 2 * TOKENS)
    else:
        at = PROMPT + TOKENS // 2
        known = {"token": np.array([[7]]), "position": np.array([at])}
        known["length"] = np.array([PHONEMES + at], np.int32)
        caches = [name for name in shapes if name.startswith(("key_in", "value_in"))]
        known |= {name: normal(1, shapes[name][1], _CAPACITY, shapes[name][3]) for name in caches}
    return {name: known[name] for name in shapes}


def _ids(generator: np.random.Generator, vocabulary: int, count: int) -> np.ndarray:
    return generator.integers(0, vocabulary, (1, count))
