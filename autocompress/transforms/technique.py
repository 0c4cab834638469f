"""What every technique is: it requires, it is called, it ensures; it never changes what it was given."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, final

from torch import Tensor

from autocompress.errors import SpaceError
from autocompress.models.config import GptConfig, SovitsConfig
from autocompress.models.gpt import Gpt
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.space import Candidate
from autocompress.transforms.building import weight_shapes
from autocompress.transforms.importance import UNSEEN, Importance
from autocompress.transforms.weights import INPUTS, State, without_inputs

C = TypeVar("C", GptConfig, SovitsConfig)


@dataclass(frozen=True, eq=False)
class Model(Generic[C]):
    """Sizes, and the weights of a network of exactly these sizes, by the checkpoint's names.

    With a calibration, what each module reads stands beside its weight (see ``weights``).
    """

    config: C
    weights: Mapping[str, Tensor]

    @classmethod
    def of(cls, network: Gpt | Sovits, importance: Importance) -> "Model[Any]":
        """A network's weights, each with what it reads beside it as far as ``importance`` has seen it."""
        inputs = {f"{path}{INPUTS}": moment for path, moment in importance.inputs.items()}
        return Model(network.config, {**network.state_dict(), **inputs})


@dataclass(frozen=True, eq=False)
class Result(Generic[C]):
    """The transformed model, and whether it differs from what went in (if not, it is the same object)."""

    model: Model[C]
    modified: bool


class Technique(ABC, Generic[C]):
    """One way of making a network smaller. Decisions name layers by the teacher's own index."""

    name: ClassVar[str]
    gives_speed: ClassVar[bool] = True

    @abstractmethod
    def requires(self, config: C, candidate: Candidate) -> list[str]:
        """Every fault of the candidate's decisions against a teacher of these sizes."""

    @abstractmethod
    def sizes(self, config: C, candidate: Candidate, importance: Importance) -> C:
        """The sizes that it will leave. Needs no weights: with :data:`UNSEEN` costs can be counted alone."""

    @abstractmethod
    def call(self, state: State, model: Model[C], candidate: Candidate, importance: Importance) -> None:
        """Bring ``state``, a copy of the model's weights, to :meth:`sizes`."""

    def changes(self, config: C, candidate: Candidate) -> bool:
        return self.sizes(config, candidate, UNSEEN) != config

    @final
    def __call__(self, model: Model[C], candidate: Candidate, importance: Importance) -> Result[C]:
        """The whole contract: refuse what does not fit, transform, check what was promised."""
        refuse(self.requires(model.config, candidate), candidate)
        result = self.transformed(model, candidate, importance)
        self.ensures(result.model)
        return result

    @final
    def transformed(self, model: Model[C], candidate: Candidate, importance: Importance) -> Result[C]:
        """For a chain whose start was checked and whose end is loaded strictly: only the transform."""
        if not self.changes(model.config, candidate):
            return Result(model, modified=False)
        state = dict(model.weights)
        self.call(state, model, candidate, importance)
        return Result(Model(self.sizes(model.config, candidate, importance), state), modified=True)

    @final
    def ensures(self, model: Model[C]) -> None:
        """The weights are exactly those of a network of the promised sizes."""
        weights = without_inputs(model.weights)
        posterior = any(key.startswith("enc_q.") for key in weights)
        wanted = weight_shapes(model.config, posterior=posterior)
        found = {key: tuple(tensor.shape) for key, tensor in weights.items()}
        wrong = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
        told = "; ".join(f"{key}: {found.get(key)} instead of {wanted.get(key)}" for key in wrong[:8])
        assert not wrong, f"{self.name} left {len(wrong)} tensors that do not fit its sizes: {told}"


def refuse(faults: list[str], candidate: Candidate) -> None:
    """Raise a SpaceError that lists all faults, if there are any."""
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise SpaceError(
            f"candidate {candidate.id} does not fit this teacher: {len(faults)} fault(s)\n{listed}"
        )
