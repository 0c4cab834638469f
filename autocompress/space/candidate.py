"""One point of the joint space: the decisions that differ from the teacher, with an id of their content."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

Value = bool | int | float | str


@dataclass(frozen=True)
class Candidate:
    """Decisions by name; one that is not named is the teacher's own, and the empty candidate is the teacher.

    Equal decisions give equal ids, whatever their order and whichever space they came from.
    """

    values: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ordered = {name: self.values[name] for name in sorted(self.values)}
        object.__setattr__(self, "values", MappingProxyType(ordered))

    @cached_property
    def id(self) -> str:
        """Sixteen hexadecimal digits of the SHA-256 of the canonical JSON."""
        text = json.dumps(dict(self.values), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def get(self, name: str, teacher: Value) -> Value:
        """The decision ``name``, or the ``teacher``'s own value where the candidate does not change it."""
        return self.values.get(name, teacher)

    def part(self, prefixes: Iterable[str]) -> "Candidate":
        """Only the decisions under ``prefixes`` (dotted names): what one half of the model depends on."""
        starts = tuple(prefixes)
        kept = {n: v for n, v in self.values.items() if any(n == s or n.startswith(s + ".") for s in starts)}
        return Candidate(kept)

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, "values": dict(self.values)}

    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> "Candidate":
        return Candidate(fields["values"])

    def __reduce__(self) -> tuple[type["Candidate"], tuple[dict[str, Value]]]:
        return (Candidate, (dict(self.values),))  # a mapping proxy cannot be pickled

    def __hash__(self) -> int:
        return hash(self.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candidate) and self.id == other.id
