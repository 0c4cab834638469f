"""Which precision each part of the two networks is stored in, and which it is computed in.

Roles are dotted: ``gpt.attention.{i}``, ``gpt.ffn.{i}``, ``gpt.embedding``, ``gpt.head`` and
``sovits.embedding``, ``sovits.prior``, ``sovits.flow``, ``sovits.vocoder``; ``i`` is the student's own layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autocompress.errors import SpaceError
from autocompress.space import Candidate

STORAGES = ("fp32", "fp16", "int8", "int4")
COMPUTES = ("fp32", "dynamic-int8", "fp16-device")


@dataclass(frozen=True)
class PrecisionPlan:
    """Precision by role; an entry for ``gpt.ffn`` or ``gpt`` serves every role below it, the longest wins.

    ``storage`` is what the file holds. ``compute`` is what the kernel multiplies in: ``dynamic-int8`` rounds
    activations as they come, ``fp16-device`` asks the device for half precision and leaves CPUs at fp32.
    """

    storage: Mapping[str, str] = field(default_factory=dict)
    compute: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        faults = [
            *_faults("storage", self.storage, STORAGES),
            *_faults("compute", self.compute, COMPUTES),
            *(f"compute {role} is dynamic-int8 and its storage {self.storage_of(role)}: use int8 or int4"
              for role, compute in self.compute.items()
              if compute == "dynamic-int8" and self.storage_of(role) not in ("int8", "int4")),
        ]  # fmt: skip
        if faults:
            raise SpaceError(f"This precision plan cannot be written: {'; '.join(faults)}.")

    def storage_of(self, role: str) -> str:
        return _longest(self.storage, role, "fp32")

    def compute_of(self, role: str) -> str:
        return _longest(self.compute, role, "fp32")

    @property
    def computes_int8(self) -> bool:
        return "dynamic-int8" in self.compute.values()

    @staticmethod
    def of(candidate: Candidate, teacher_layers: int) -> "PrecisionPlan":
        """The plan in a candidate's decisions, with GPT layers renumbered to those that it keeps."""
        kept = [i for i in range(teacher_layers) if candidate.get(f"gpt.keep.{i}", True)]
        place = {str(old): str(new) for new, old in enumerate(kept)}
        return PrecisionPlan(
            storage=_decisions(candidate, "storage.", place), compute=_decisions(candidate, "compute.", place)
        )


def _decisions(candidate: Candidate, start: str, place: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, value in candidate.values.items():
        if name.startswith(start):
            *parts, last = name.removeprefix(start).split(".")
            found[".".join([*parts, place.get(last, last)])] = str(value)
    return found


def _longest(table: Mapping[str, str], role: str, otherwise: str) -> str:
    while role:
        if role in table:
            return table[role]
        role = role.rpartition(".")[0]
    return otherwise


def _faults(kind: str, table: Mapping[str, str], allowed: tuple[str, ...]) -> list[str]:
    return [
        f"{kind} {role}={value!r} is not one of {', '.join(allowed)}"
        for role, value in table.items()
        if value not in allowed
    ]
