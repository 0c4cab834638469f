"""Which operators of a graph ONNX Runtime does not know."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
import onnxruntime as ort

from autocompress.production.export.exporter import Unsupported

_DOMAINS = ("", "ai.onnx", "com.microsoft")


def refused_by_onnxruntime(graphs: Mapping[str, Path]) -> tuple[Unsupported, ...]:
    """Every operator without a definition; when all have one, what the runtime says to the whole graph."""
    found = [entry for name, path in graphs.items() for entry in _undefined(name, path)]
    return tuple(found or [entry for name, path in graphs.items() for entry in _refused(name, path)])


def _undefined(graph: str, path: Path) -> Iterator[Unsupported]:
    model = onnx.load(str(path), load_external_data=False)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    for domain, operator in sorted({(node.domain, node.op_type) for node in model.graph.node}):
        if domain not in _DOMAINS:
            yield Unsupported(graph, operator, f"ONNX Runtime has no domain {domain!r}")
        elif domain != "com.microsoft" and not _defined(operator, opset):
            yield Unsupported(graph, operator, f"not an operator of ONNX opset {opset}")


def _defined(operator: str, opset: int) -> bool:
    try:
        onnx.defs.get_schema(operator, opset)
    except onnx.defs.SchemaError:
        return False
    return True


def _refused(graph: str, path: Path) -> Iterator[Unsupported]:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own classes, one for each status
        yield Unsupported(graph, "", str(error))
