"""One file of weights for several graphs: equal tensors are written once, and both graphs point at them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import onnx
from onnx.external_data_helper import set_external_data

SHARED_FILE = "gpt_weights.bin"
_ALIGNMENT_BYTES = 64  # a cache line; pages would cost 2 kB a tensor
_SMALLEST_BYTES = 512  # smaller tensors stay in their graph: naming the place costs about 100 bytes


class SharedFile:
    """Collects the large tensors of graphs; one that is some rows of another is found there."""

    def __init__(self, name: str = SHARED_FILE) -> None:
        self.name = name
        self.contents = bytearray()
        self._places: dict[bytes, int] = {}

    def take(self, models: list[onnx.ModelProto]) -> None:
        """Move the large tensors of ``models`` here, the largest first; the models keep their places."""
        tensors = [tensor for model in models for tensor in model.graph.initializer]
        for tensor in sorted(tensors, key=lambda tensor: -len(tensor.raw_data)):
            data = tensor.raw_data
            if len(data) >= _SMALLEST_BYTES:
                set_external_data(tensor, self.name, offset=self._place(data), length=len(data))
                tensor.ClearField("raw_data")

    def _place(self, data: bytes) -> int:
        key = hashlib.sha256(data).digest()
        if key not in self._places:
            self._places[key] = self._inside(data)
        return self._places[key]

    def _inside(self, data: bytes) -> int:
        """Where ``data`` already lies, at an offset that any element type may have; or at the end."""
        place = self.contents.find(data)
        if place >= 0 and place % 16 == 0:
            return place
        self.contents += bytes(-len(self.contents) % _ALIGNMENT_BYTES)
        self.contents += data
        return len(self.contents) - len(data)


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Every file under another name, then all renamed: no half-written graph bears a final name."""
    for path, data in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(path.name + ".part").write_bytes(data)
    for path in contents:
        path.with_name(path.name + ".part").replace(path)
