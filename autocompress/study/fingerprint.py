"""The address of an evaluation: a hash of everything that its result depends on."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from autocompress.space import Candidate
from autocompress.study.evaluation import Rung

_UNTRAINED: tuple[Rung, ...] = ("free", "divergence", "speech")


@dataclass(frozen=True)
class Fingerprint:
    """Hashes of the teacher, of the evaluation data, of the device, and of each rung's code.

    Only the free rung depends on the device: the quality of a candidate is the same wherever it runs.
    """

    teacher: str
    data: str = ""
    device: str = ""
    code: Mapping[str, str] = field(default_factory=dict)

    def key(self, candidate: Candidate, rung: Rung, seed: int) -> str:
        """Address of the evaluation of ``candidate`` at ``rung``."""
        depends = {
            "teacher": self.teacher,
            "data": "" if rung == "free" else self.data,
            "device": self.device if rung == "free" else "",
            "code": self.code.get(rung, ""),
            "candidate": relevant(candidate, rung).id,
            "rung": rung,
            "seed": 0 if rung == "free" else seed,
        }
        return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def relevant(candidate: Candidate, rung: Rung) -> Candidate:
    """What the rung can see of ``candidate``: before distillation the recipe changes nothing."""
    if rung not in _UNTRAINED:
        return candidate
    return Candidate({n: v for n, v in candidate.values.items() if not n.startswith("recipe.")})
