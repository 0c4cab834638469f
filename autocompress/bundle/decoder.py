"""The GPT on ONNX Runtime: one prefill, then cached steps that write into buffers of our own.

Legend: X phonemes, Y prompt tokens, S = X + Y, C cache capacity, H heads, h head size, V vocabulary.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autocompress.bundle.manifest import SpeechDefaults
from autocompress.bundle.sampling import LOOP_LIMIT, choose
from autocompress.bundle.sessions import Session
from autocompress.models.audio import Samples
from autocompress.models.voice import Ids

_GROWTH = 256  # cache positions: about ten seconds of speech


@dataclass(frozen=True)
class Prompt:
    """What the GPT continues: phonemes of prompt and target [X], prompt tokens [Y], BERT [1024, X]."""

    phoneme_ids: Ids
    tokens: Ids
    bert: Samples | None = None


@dataclass(frozen=True)
class Generation:
    """New semantic tokens, and whether EOS ended them. After a stop by length upstream loses the first."""

    tokens: Ids
    stopped_by_eos: bool
    has_prompt: bool

    @property
    def callers_tokens(self) -> Ids:
        """What upstream's callers go on with (see ``models.sampling.Generation``)."""
        index = len(self.tokens) if self.stopped_by_eos else len(self.tokens) - 1
        return self.tokens[-index:] if self.has_prompt and index > 0 else self.tokens


class Decoder:
    """Prefill and step over one set of cache buffers, kept from sentence to sentence and grown when needed.

    The buffers are bound as input and output of the step, which then writes one position and copies nothing.
    """

    def __init__(self, prefill: Session, step: Session) -> None:
        self._prefill, self._step = prefill, step
        self._takes_bert = any(value.name == "bert" for value in prefill.get_inputs())
        self._states = [value for value in step.get_inputs() if "_in_" in value.name]
        self._prefill_outputs = ["logits", *(state.name.replace("_in_", "_out_") for state in self._states)]
        self._token = np.zeros((1, 1), np.int64)
        self._position = np.zeros(1, np.int64)
        self._length = np.zeros(1, np.int32)
        vocabulary = next(value for value in step.get_outputs() if value.name == "logits").shape[-1]
        self._logits = np.zeros((1, vocabulary), np.float32)
        self._capacity = 0
        self._buffers: list[npt.NDArray[Any]] = []
        self._binding: Any = None

    @property
    def capacity(self) -> int:
        """Positions that the cache buffers hold."""
        return self._capacity

    @property
    def cache_bytes(self) -> int:
        return sum(buffer.nbytes for buffer in self._buffers)

    def generate(
        self, prompt: Prompt, settings: SpeechDefaults, generator: np.random.Generator
    ) -> Generation:
        """Speak after ``prompt`` until EOS or too many tokens, in the original's order."""
        limit = min(settings.max_tokens + 1, LOOP_LIMIT)
        history = np.empty(len(prompt.tokens) + limit, np.int64)
        history[: len(prompt.tokens)] = prompt.tokens
        end, by_eos = len(prompt.tokens), False
        logits = self.prefill(prompt)
        for index in range(limit):
            choice = choose(logits, history[:end], settings, index, generator)
            if by_eos := choice.is_end:
                break
            history[end] = choice.token
            end += 1
            if index + 1 < limit:
                logits = self.step(choice.token)
        return Generation(history[len(prompt.tokens) : end].copy(), by_eos, len(prompt.tokens) > 0)

    def prefill(self, prompt: Prompt) -> Samples:
        """Fill the cache; logits [V] of the first new token."""
        inputs: dict[str, Any] = {"phoneme_ids": prompt.phoneme_ids[None], "prompt": prompt.tokens[None]}
        if self._takes_bert:
            inputs["bert"] = self._bert(prompt)[None]
        logits, *states = self._prefill.run(self._prefill_outputs, inputs)
        filled = states[0].shape[2]
        self._reserve(filled + 1, keep=0)
        for buffer, state in zip(self._buffers, states, strict=True):
            buffer[:, :, :filled] = state
        self._length[0], self._position[0] = filled, len(prompt.tokens)
        first: Samples = logits[0]
        return first

    def step(self, token: int) -> Samples:
        """Take one token in; logits [V] of the next, valid until the next step."""
        filled = int(self._length[0])
        self._reserve(filled + 1, keep=filled)
        self._token[0, 0] = token
        self._step.run_with_iobinding(self._binding)
        self._length[0] += 1
        self._position[0] += 1
        logits: Samples = self._logits[0]
        return logits

    def _bert(self, prompt: Prompt) -> Samples:
        if prompt.bert is not None:
            return prompt.bert
        width = next(value for value in self._prefill.get_inputs() if value.name == "bert").shape[1]
        return np.zeros((width, len(prompt.phoneme_ids)), np.float32)

    def _reserve(self, positions: int, keep: int) -> None:
        """Room for ``positions``; the first ``keep`` of them survive."""
        if positions <= self._capacity:
            return
        self._capacity = -(-positions // _GROWTH) * _GROWTH
        grown = [
            np.zeros((*state.shape[:2], self._capacity, state.shape[3]), np.float32) for state in self._states
        ]
        for old, new in zip(self._buffers, grown, strict=False):
            new[:, :, :keep] = old[:, :, :keep]
        self._buffers = grown
        self._bind()

    def _bind(self) -> None:
        binding = self._step.io_binding()
        for name, array in (("token", self._token), ("position", self._position), ("length", self._length)):
            binding.bind_input(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        binding.bind_output("logits", "cpu", 0, np.float32, self._logits.shape, self._logits.ctypes.data)
        for state, buffer in zip(self._states, self._buffers, strict=True):
            place = ("cpu", 0, np.float32, buffer.shape, buffer.ctypes.data)
            binding.bind_input(state.name, *place)
            binding.bind_output(state.name.replace("_in_", "_out_"), *place)
        self._binding = binding


def forced(decoder: Decoder, prompt: Prompt, tokens: Ids) -> Iterator[Samples]:
    """Logits [V] after the prompt and after each of ``tokens``: a run of known length, for measuring."""
    yield decoder.prefill(prompt)
    for token in tokens:
        yield decoder.step(int(token))
