"""Sampling of semantic tokens in NumPy: the order of operations and the stop rules of ``models.sampling``."""

from dataclasses import dataclass

import numpy as np

from autocompress.bundle.manifest import SpeechDefaults
from autocompress.models.audio import Samples
from autocompress.models.voice import Ids

EOS_FREE_PREDICTIONS = 11
LOOP_LIMIT = 1500


@dataclass(frozen=True)
class Choice:
    """A drawn token, and whether it (or the best of the penalised logits) ends the loop."""

    token: int
    is_end: bool


def choose(
    logits: Samples, history: Ids, settings: SpeechDefaults, index: int, generator: np.random.Generator
) -> Choice:
    """The token of prediction ``index`` from logits [V] after the tokens ``history`` [n], prompt included.

    EOS, the last id, cannot come among the first predictions.
    """
    eos = len(logits) - 1
    allowed = logits[:-1] if index < EOS_FREE_PREDICTIONS else logits
    penalized = penalize(allowed, history, settings.repetition_penalty)
    ids, kept = shortlist(penalized, settings)
    token = int(ids[race(kept, generator.standard_exponential(len(penalized), np.float32)[ids])])
    return Choice(token, token == eos or int(ids[kept.argmax()]) == eos)


def penalize(logits: Samples, previous: Ids, repetition_penalty: float) -> Samples:
    """logits [V]: each token of ``previous`` is pushed down once, however often it came."""
    if repetition_penalty == 1.0 or previous.size == 0:
        return logits
    factor, out = np.float32(repetition_penalty), logits.copy()
    seen = logits[previous]
    out[previous] = np.where(seen < 0, seen * factor, seen / factor)
    return out


def shortlist(penalized: Samples, settings: SpeechDefaults) -> tuple[Ids, Samples]:
    """Penalised logits [V] → the ids that may come [k], ascending, and their logits after temperature.

    In the original's order: top-p (untempered), temperature, top-k. Everything after it touches k numbers:
    on a cold cache each array operation over the vocabulary costs a step several microseconds.
    """
    logits = _top_p(penalized, settings.top_p) if settings.top_p < 1.0 else penalized
    ids = np.arange(len(logits))
    if 0 < settings.top_k < len(logits):
        kth = np.partition(logits, -settings.top_k)[-settings.top_k]
        ids = np.flatnonzero(logits >= kth)
    return ids, logits[ids] / np.float32(max(settings.temperature, 1e-5))


def race(logits: Samples, exponential: Samples) -> int:
    """The place drawn by softmax from logits [k]: the first to arrive, as upstream draws, in logarithms."""
    return int(np.argmax(logits - np.log(np.maximum(exponential, np.float32(1e-30)))))


def _top_p(logits: Samples, top_p: float) -> Samples:
    """Drops every token whose own cumulative probability exceeds ``top_p``, never the first."""
    order = np.argsort(-logits, kind="stable")
    drop = np.cumsum(_softmax(logits[order])) > top_p
    drop[0] = False
    out = logits.copy()
    out[order[drop]] = -np.inf
    return out


def _softmax(logits: Samples) -> Samples:
    powers = np.exp(logits - logits.max())
    shares: Samples = powers / powers.sum()
    return shares
