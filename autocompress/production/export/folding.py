"""Constants computed before conversion: the ORT format folds nothing when it is loaded.

Left in the graph are the nodes that widen a weight for an fp32 operator: folding those would store the weight
in fp32. Integer kernels must have all their constants stored: ``MatMulNBits`` packs codes and scales together
while loading, and answers wrongly when its scales come from a node.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from autocompress.transforms.onnx_precision.roles import Array

_WEIGHT_INPUT = {"Conv": 1, "ConvTranspose": 1, "MatMul": 1, "Gemm": 1, "Gather": 0}


@dataclass(frozen=True)
class Folded:
    """``widened`` weights are still stored narrow, and widened whenever the model runs."""

    model: onnx.ModelProto
    widened: int


def fold_constants(model: onnx.ModelProto) -> Folded:
    constant = _constant_nodes(model)
    weights = _widened_weights(model, constant)
    kept = _ancestors(constant, weights)
    early = [node for node in constant if node.output[0] not in kept]
    late = [node for node in model.graph.node if not any(node is one for one in early)]
    return Folded(_with_constants(model, early, late), len(weights))


def _constant_nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    known = {tensor.name for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.input and all(name in known for name in node.input if name):
            found.append(node)
            known.update(node.output)
    return found


def _widened_weights(model: onnx.ModelProto, constant: Sequence[onnx.NodeProto]) -> set[str]:
    computed = {name for node in constant for name in node.output}
    places = ((node, _WEIGHT_INPUT.get(node.op_type)) for node in model.graph.node)
    return {
        node.input[place] for node, place in places if place is not None and node.input[place] in computed
    }


def _ancestors(nodes: Sequence[onnx.NodeProto], outputs: Iterable[str]) -> set[str]:
    """First outputs of the nodes that ``outputs`` are computed by."""
    wanted, found = set(outputs), set()
    for node in reversed(nodes):
        if wanted & set(node.output):
            found.add(node.output[0])
            wanted.update(node.input)
    return found


def _with_constants(
    model: onnx.ModelProto, early: Sequence[onnx.NodeProto], late: Sequence[onnx.NodeProto]
) -> onnx.ModelProto:
    used = {name for node in late for name in node.input} | {value.name for value in model.graph.output}
    names = sorted({name for node in early for name in node.output} & used)
    needed = {name for node in late for name in node.input}
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in needed]
    values = [numpy_helper.from_array(value, name) for name, value in _evaluated(model, early, names)]
    graph = helper.make_graph(
        late, model.graph.name, model.graph.input, model.graph.output, [*tensors, *values]
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _evaluated(
    model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], names: Sequence[str]
) -> list[tuple[str, Array]]:
    if not names:
        return []
    read = {name for node in nodes for name in node.input}
    tensors = [tensor for tensor in model.graph.initializer if tensor.name in read]
    outputs = [helper.make_empty_tensor_value_info(name) for name in names]
    graph = helper.make_graph(nodes, "constants", [], outputs, tensors)
    values = ReferenceEvaluator(helper.make_model(graph, opset_imports=model.opset_import)).run(
        list(names), {}
    )
    return list(zip(names, values, strict=True))
