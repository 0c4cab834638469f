"""The ORT format, and the list of operators that a minimal mobile build of ONNX Runtime needs for it."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import onnx
import onnxruntime as ort
from onnxruntime.tools.ort_format_model import create_config_from_models

from autocompress.bundle.sessions import PRECISE_INT8
from autocompress.production.export.exporter import Exported, Exporter, Unsupported
from autocompress.production.export.folding import fold_constants
from autocompress.production.export.operators import refused_by_onnxruntime
from autocompress.transforms.onnx_precision import SHARED_FILE, WrittenGraphs

OPERATORS_FILE = "required_operators_and_types.config"


class OrtFormatExporter(Exporter):
    """One ``.ort`` file a graph, and :data:`OPERATORS_FILE` beside them.

    Graphs are optimised while they are converted, for a minimal build cannot do it later. ``fold_weights``
    says what becomes of weights that are stored narrow: False keeps them narrow in the file and widens them
    at every run; True stores them in fp32. Kernels that compute in int8 keep their weights narrow either way,
    unsigned where this machine is an x86 without VNNI, for they are not changed again when the file is
    loaded. Signed ones, from a file made elsewhere, overflow on such an x86.
    """

    name: ClassVar[str] = "ort"

    def __init__(self, *, fold_weights: bool = False) -> None:
        self.fold_weights = fold_weights

    def unsupported(self, graphs: Mapping[str, Path]) -> tuple[Unsupported, ...]:
        return refused_by_onnxruntime(graphs)

    def _write(self, graphs: WrittenGraphs, folder: Path) -> Exported:
        paths = {name: folder / f"{path.stem}.ort" for name, path in graphs.paths.items()}
        notes = _sharing_notes(graphs)
        for name, path in paths.items():
            folded = fold_constants(onnx.load(str(graphs.paths[name])))
            _convert(folded.model, path, fold_weights=self.fold_weights)
            if folded.widened and not self.fold_weights:
                notes.append(
                    f"{name} widens {folded.widened} weights at every run, unless fold_weights is set"
                )
        config = folder / OPERATORS_FILE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the tool leaves closing its files to Python
            create_config_from_models(list(paths.values()), config, enable_type_reduction=True)
        return Exported(self.name, paths, (*paths.values(), config), tuple(notes))


def _convert(model: onnx.ModelProto, target: Path, *, fold_weights: bool) -> None:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 4
    options.add_session_config_entry("session.save_model_format", "ORT")
    options.add_session_config_entry(*PRECISE_INT8)
    without = [] if fold_weights else ["ConstantFolding"]
    ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"], disabled_optimizers=without
    )


def _sharing_notes(graphs: WrittenGraphs) -> list[str]:
    if any(path.name == SHARED_FILE for path in graphs.files):
        return ["the ORT format has no shared weights: prefill and step each hold the GPT's"]
    return []
