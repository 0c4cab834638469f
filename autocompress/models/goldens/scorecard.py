"""How far computed arrays are from golden ones."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from autocompress.errors import CheckpointError

Array = npt.NDArray[Any]

# Largest absolute difference allowed. Correct float32 implementations differ by at most 1.4e-5 (values of
# order 1; spectrograms, which reach 155, by 5e-5); typical mistakes by 5e-3 and more.
LOGITS_ATOL, LATENT_ATOL, AUDIO_ATOL, PROBABILITY_ATOL = 1e-4, 1e-4, 2e-4, 1e-6
# Largest ‖a − b‖ / ‖b‖ allowed.
LOGITS_RTOL, AUDIO_RTOL = 1e-4, 1e-3


@dataclass(frozen=True)
class ArrayScore:
    """One array: ‖a − b‖ / ‖b‖ (for tokens the share that differs), and the largest absolute difference."""

    name: str
    ok: bool
    relative_error: float
    absolute_error: float


@dataclass(frozen=True)
class SetScore:
    """One set: ok when every array agrees and nothing is missing."""

    name: str
    arrays: tuple[ArrayScore, ...]
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems and all(array.ok for array in self.arrays)

    @property
    def max_relative_error(self) -> float:
        return max((array.relative_error for array in self.arrays), default=0.0)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "ok": self.ok,
            "max_relative_error": self.max_relative_error,
            "max_absolute_error": max((array.absolute_error for array in self.arrays), default=0.0),
            "problems": list(self.problems),
            "arrays": [asdict(array) for array in self.arrays],
        }


@dataclass(frozen=True)
class FolderScore:
    """Every set of a folder."""

    sets: tuple[SetScore, ...]

    @property
    def ok(self) -> bool:
        return all(item.ok for item in self.sets)

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, "sets": [item.as_json() for item in self.sets]}


class Scorecard:
    """Collects comparisons with one set's golden arrays; an absent golden becomes a problem, not an error."""

    def __init__(self, name: str, goldens: Mapping[str, Array]) -> None:
        self.name, self.goldens = name, goldens
        self._scores: list[ArrayScore] = []
        self._problems: list[str] = []

    def inputs(self, *names: str) -> list[Tensor]:
        """Arrays that the set cannot run without; raises CheckpointError naming all that are absent."""
        absent = [name for name in names if name not in self.goldens]
        if absent:
            raise CheckpointError(f"input arrays missing: {', '.join(absent)}")
        return [torch.from_numpy(np.array(self.goldens[name])) for name in names]

    def length(self, name: str, default: int) -> int:
        return int(self.goldens[name].shape[0]) if name in self.goldens else default

    def close(self, name: str, found: Tensor, *, atol: float, rtol: float = LOGITS_RTOL) -> None:
        """Compare values; both tolerances must hold."""
        golden = self._golden(name, found.shape)
        if golden is None:
            return
        a, b = found.double().numpy(), golden.astype(np.float64)
        absolute = float(np.abs(a - b).max(initial=0.0))
        relative = float(np.linalg.norm(a - b) / max(float(np.linalg.norm(b)), 1e-30))
        ok = bool(absolute <= atol and relative <= rtol)  # a NaN is never <=
        self._scores.append(ArrayScore(name, ok, _finite(relative), _finite(absolute)))

    def equal(self, name: str, found: Tensor) -> None:
        """Compare tokens or other exact numbers."""
        golden = self._golden(name, found.shape)
        if golden is None:
            return
        differing = found.numpy() != golden
        share = float(differing.mean()) if differing.size else 0.0
        self._scores.append(ArrayScore(name, share == 0.0, share, float(differing.any())))

    def problem(self, text: str) -> None:
        self._problems.append(text)

    def result(self) -> SetScore:
        return SetScore(self.name, tuple(self._scores), tuple(self._problems))

    def _golden(self, name: str, shape: torch.Size) -> Array | None:
        golden = self.goldens.get(name)
        if golden is None:
            self.problem(f"array {name} is missing")
        elif tuple(golden.shape) != tuple(shape):
            self.problem(f"array {name}: shape {tuple(shape)} was computed, {tuple(golden.shape)} is stored")
            return None
        return golden


def _finite(value: float) -> float:
    """JSON has no NaN or infinity."""
    return value if np.isfinite(value) else 1e30
