"""What a candidate becomes: two networks that run, and what they will cost to store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from torch import nn

from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.space import Candidate
from autocompress.transforms.compute import computing_gpt, computing_sovits
from autocompress.transforms.storage import StoredTensor, bytes_by_component

N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Half(Generic[N]):
    """One half of a student. ``candidate`` holds the decisions of this half alone.

    ``network`` has the weights as storage gives them back. ``kernels`` names what multiplies with them where
    it is not float32, by role and the network's own layer (see ``compute.KERNELS``).
    """

    network: N
    candidate: Candidate
    storage: tuple[StoredTensor, ...] = field(repr=False)
    kernels: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The same for all candidates that agree on this half: what is measured once and composed."""
        return self.candidate.id

    @cached_property
    def bytes_by_component(self) -> dict[str, int]:
        return bytes_by_component(self.storage)

    @property
    def size_bytes(self) -> int:
        return sum(tensor.size_bytes for tensor in self.storage)

    @property
    def n_parameters(self) -> int:
        """Numbers that a device stores."""
        return sum(_volume(tensor.shape) for tensor in self.storage)


class GptHalf(Half[Gpt]):
    """The GPT: phonemes and prompt → tokens."""

    def computing(self) -> Gpt:
        """For evaluation: the network with the inputs of its matrices rounded as the decided kernels do."""
        return computing_gpt(self.network, self.kernels) if self.kernels else self.network


class SovitsHalf(Half[Sovits]):
    """SoVITS: tokens, phonemes and style → audio."""

    def computing(self) -> Sovits:
        """For evaluation: the network with its convolutions' inputs rounded as the decided kernels do."""
        return computing_sovits(self.network, self.kernels) if self.kernels else self.network


@dataclass(frozen=True, eq=False)
class Student:
    """Both halves, before any training. They meet only at the tokens, so each may be scored alone."""

    candidate: Candidate
    gpt_half: GptHalf
    sovits_half: SovitsHalf

    @property
    def gpt(self) -> Gpt:
        return self.gpt_half.network

    @property
    def sovits(self) -> Sovits:
        return self.sovits_half.network

    @property
    def storage(self) -> tuple[StoredTensor, ...]:
        return (*self.gpt_half.storage, *self.sovits_half.storage)

    @property
    def bytes_by_component(self) -> dict[str, int]:
        return self.gpt_half.bytes_by_component | self.sovits_half.bytes_by_component

    @property
    def size_bytes(self) -> int:
        """Bytes of all weights that a device stores; files add their own headers and graph."""
        return self.gpt_half.size_bytes + self.sovits_half.size_bytes

    @property
    def n_parameters(self) -> int:
        return self.gpt_half.n_parameters + self.sovits_half.n_parameters

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.gpt_half.notes, *self.sovits_half.notes)


def _volume(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
