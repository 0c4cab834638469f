"""Speech and logits that the tests of the metrics share."""

from collections.abc import Callable

import pytest
import torch
from metric_helpers import SAME_VOICE, SPEECH, TEXTS

from autocompress.metrics.evaluation_set import read_recording
from autocompress.metrics.utterance import Recording, Utterance


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # so that the same audio gives the same bits


@pytest.fixture(scope="session")
def clips() -> dict[str, Recording]:
    return {name: read_recording(SPEECH / f"{name}.opus") for name in TEXTS}


@pytest.fixture(scope="session")
def say(clips: dict[str, Recording]) -> Callable[..., Utterance]:
    """An utterance as a perfect candidate makes it, or with another recording in place of its speech."""

    def said(name: str = "00046", speech: Recording | None = None) -> Utterance:
        return Utterance(
            sentence=name,
            text=TEXTS[name],
            speech=speech or clips[name],
            voice=clips[SAME_VOICE[name]],
            teacher=clips[name],
            tokens=tuple(range(60)),
        )

    return said
