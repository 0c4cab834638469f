"""A bundle heard on the evaluation set: the claims of identity, naturalness and words."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autocompress.bundle import Bundle
from autocompress.metrics.evaluation_set import Task
from autocompress.metrics.spoken import SpokenScore, hear, heard_metrics, utterance
from autocompress.metrics.utterance import Utterance

_MOST_TOKENS = 400


def hear_bundle(bundle: Bundle, tasks: Sequence[Task], seed: int = 0) -> SpokenScore:
    """Scores of the exported graphs on ONNX Runtime: what is claimed is what the device will run."""
    return hear(lambda task: said_by_bundle(bundle, task), tasks, heard_metrics(), seed)


def said_by_bundle(bundle: Bundle, task: Task) -> Utterance:
    """One task in the voice of the bundle's store."""
    settings = replace(bundle.manifest.speech, max_tokens=_MOST_TOKENS)
    parts = list(
        bundle.speak(
            task.sentence.text,
            task.voice.name,
            task.seed,
            language=task.sentence.language,
            settings=settings,
        )
    )
    tokens = [int(token) for part in parts for token in part.generation.tokens]
    audio = np.concatenate([part.audio for part in parts])
    return utterance(task, audio, bundle.sample_rate_hz, tokens)
