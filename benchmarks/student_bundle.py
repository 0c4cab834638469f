"""A student in PyTorch that speaks through a bundle's runtime: same text, same random numbers, other kernels.

What a search has scored and what was delivered then differ by the export alone, and not by luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autocompress.bundle import Bundle, GraphSettings
from autocompress.bundle.decoder import Decoder, Prompt
from autocompress.bundle.graphs import Graphs
from autocompress.bundle.integrity import read_manifest
from autocompress.bundle.sampling import LOOP_LIMIT
from autocompress.bundle.sessions import Arrays, Session
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits


class StudentDecoder(Decoder):
    """The runtime's loop over a PyTorch GPT without BERT features."""

    def __init__(self, gpt: Gpt) -> None:
        self._gpt = gpt

    @torch.no_grad()
    def prefill(self, prompt: Prompt) -> np.ndarray:
        ids, tokens = (torch.from_numpy(np.array(a))[None] for a in (prompt.phoneme_ids, prompt.tokens))
        first = self._gpt.prefill(ids, None, tokens, room=LOOP_LIMIT)
        self._cache, self._at = first.cache, len(prompt.tokens)
        return first.logits[0].numpy()

    @torch.no_grad()
    def step(self, token: int) -> np.ndarray:
        logits = self._gpt.step(torch.tensor([[token]]), self._at, self._cache)
        self._at += 1
        return logits[0].numpy()


@dataclass(frozen=True, eq=False)
class StudentSession:
    """The SoVITS graph's inputs and its one output."""

    sovits: Sovits

    @torch.no_grad()
    def run(self, outputs: Sequence[str] | None, inputs: Arrays) -> list[Any]:
        names = ("codes", "phoneme_ids", "style", "noise")
        audio = self.sovits.synthesize(*(torch.from_numpy(np.array(inputs[name])) for name in names))
        first, last = (int(edge) * self.sovits.config.audio.hop for edge in inputs["window"])
        return [audio[..., first:last].numpy()]


class StudentGraphs(Graphs):
    """One tier, in PyTorch; the GPT is a decoder of its own."""

    def __init__(self, sovits: Sovits) -> None:
        self.settings, self._session = GraphSettings(1), StudentSession(sovits)

    def sovits(self, tier: int) -> Session:
        return self._session  # type: ignore[return-value]  # what the runtime calls of a session


def student_bundle(folder: Path, gpt: Gpt, sovits: Sovits) -> Bundle:
    """The bundle at ``folder`` with its voices and settings, and these networks instead of its graphs."""
    return Bundle(folder, read_manifest(folder), StudentGraphs(sovits), decoder=StudentDecoder(gpt))
