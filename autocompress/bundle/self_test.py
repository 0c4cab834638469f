"""Small inputs for each graph, on which execution providers are compared."""

from typing import Any

import numpy as np

from autocompress.bundle.manifest import PREFILL, STEP, AudioSettings
from autocompress.bundle.sessions import Arrays, SelfTest, Session
from autocompress.bundle.synthesizer import random_utterance

_PHONEMES, _PROMPT, _CAPACITY, _TOKENS = 6, 5, 16, 4


def make_self_test(role: str, session: Session, audio: AudioSettings) -> SelfTest:
    """A self-test of the graph with ``role``; a step's caches are left out: their free part is undefined."""
    if role == PREFILL:
        return SelfTest(_prefill(session.get_inputs(), audio))
    if role == STEP:
        return SelfTest(_step(session.get_inputs()), ("logits",))
    return SelfTest(random_utterance(audio, _TOKENS, _PHONEMES, seed=0).inputs(0, 2 * _TOKENS))


def _prefill(inputs: list[Any], audio: AudioSettings) -> Arrays:
    arrays: dict[str, Any] = {
        "phoneme_ids": np.arange(1, _PHONEMES + 1, dtype=np.int64)[None],
        "prompt": np.arange(_PROMPT, dtype=np.int64)[None] % audio.codes,
    }
    for value in inputs:
        if value.name == "bert":
            arrays["bert"] = np.zeros((1, value.shape[1], _PHONEMES), np.float32)
    return arrays


def _step(inputs: list[Any]) -> Arrays:
    generator = np.random.default_rng(0)
    states = {
        value.name: generator.standard_normal((*value.shape[:2], _CAPACITY, value.shape[3]), np.float32)
        for value in inputs
        if "_in_" in value.name
    }
    return {
        "token": np.ones((1, 1), np.int64),
        "position": np.array([_PROMPT], np.int64),
        "length": np.array([_CAPACITY // 2], np.int32),
        **states,
    }
