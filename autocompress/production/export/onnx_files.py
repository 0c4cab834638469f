"""ONNX files as they were written, for any ONNX Runtime."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from autocompress.production.export.exporter import Exported, Exporter, Unsupported
from autocompress.production.export.operators import refused_by_onnxruntime
from autocompress.transforms.onnx_precision import WrittenGraphs


class OnnxExporter(Exporter):
    """The graphs and the weights that they share, copied."""

    name: ClassVar[str] = "onnx"

    def unsupported(self, graphs: Mapping[str, Path]) -> tuple[Unsupported, ...]:
        return refused_by_onnxruntime(graphs)

    def _write(self, graphs: WrittenGraphs, folder: Path) -> Exported:
        files = tuple(Path(shutil.copy2(path, folder / path.name)) for path in graphs.files)
        paths = {name: folder / path.name for name, path in graphs.paths.items()}
        return Exported(self.name, paths, files)
