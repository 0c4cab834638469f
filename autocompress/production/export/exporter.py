"""What every export target offers: the operators that it cannot take, and files of the shipped graphs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from autocompress.errors import InfeasibleError
from autocompress.transforms.onnx_precision import WrittenGraphs


@dataclass(frozen=True)
class Unsupported:
    """An operator that a target cannot take; ``operator`` is empty when the graph as a whole fails."""

    graph: str
    operator: str
    reason: str

    def __str__(self) -> str:
        return f"{self.graph}: {self.operator or 'the graph'} ({self.reason})"


@dataclass(frozen=True)
class Exported:
    """``paths`` by graph; ``files`` are all that the target needs; ``notes`` say what a user must know."""

    target: str
    paths: Mapping[str, Path]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    @property
    def items(self) -> dict[str, int]:
        """Bytes of each file."""
        return {path.name: path.stat().st_size for path in self.files}

    @property
    def size_bytes(self) -> int:
        return sum(self.items.values())


class Exporter(ABC):
    """One target. LiteRT and Core ML will be two more files beside these."""

    name: ClassVar[str]

    @abstractmethod
    def unsupported(self, graphs: Mapping[str, Path]) -> tuple[Unsupported, ...]:
        """Operators that the target cannot take, found before any work starts."""

    @abstractmethod
    def _write(self, graphs: WrittenGraphs, folder: Path) -> Exported: ...

    def export(self, graphs: WrittenGraphs, folder: Path) -> Exported:
        """Files for the target in ``folder``; InfeasibleError lists every operator that stands in the way."""
        found = self.unsupported(graphs.paths)
        if found:
            listed = "; ".join(str(entry) for entry in found)
            raise InfeasibleError(f"These graphs cannot be exported to {self.name}: {listed}.")
        folder.mkdir(parents=True, exist_ok=True)
        return self._write(graphs, folder)
