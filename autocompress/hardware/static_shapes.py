"""Nodes and shapes of a graph that ONNX Runtime cannot run, from declarations and ONNX shape inference."""

from typing import Any

from autocompress.hardware.graph import Execution, Node, Tensor
from autocompress.hardware.model_file import ModelFile, all_graphs, element_bits, subgraphs, tensor_bits
from autocompress.hardware.tracing import node_attributes


def infer_nodes(source: ModelFile, reason: str) -> Execution:
    """Every node as it is stored; loop bodies once, both branches of an ``If`` reduced to the longer one.

    An output whose shape nobody declares is taken to be as large as the largest input of its node; the notes
    name every such tensor.
    """
    graph = _with_bound_inputs(source)
    tensors = _known_tensors(graph, source)
    guessed: list[str] = []
    nodes = _walk(graph.graph, tensors, guessed)
    constants = [tensor for tensor in tensors.values() if tensor.constant]
    notes = [f"ONNX Runtime could not run this graph ({reason}); it is costed as stored, without fusion"]
    if guessed:
        notes.append(f"shape unknown, taken as the largest input's: {', '.join(guessed)}")
    outputs = frozenset(value.name for value in graph.graph.output)
    kept = outputs | {value.name for value in source.inputs}
    return Execution(tuple(nodes), sum(t.size_bytes for t in constants), kept, outputs, tuple(notes))


def _with_bound_inputs(source: ModelFile) -> Any:
    import onnx

    model = onnx.ModelProto.FromString(source.proto.SerializeToString())
    shapes = {value.name: value.shape for value in source.inputs}
    for value in model.graph.input:
        for dim, size in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ()), strict=False):
            dim.dim_value = size
    try:
        return onnx.shape_inference.infer_shapes(model, strict_mode=False, data_prop=True)
    except Exception:  # a schema of a foreign domain may break inference; declared shapes remain
        return model


def _known_tensors(model: Any, source: ModelFile) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for body in all_graphs(model.graph):
        for value in [*body.value_info, *body.output, *body.input]:
            dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            if value.type.tensor_type.HasField("shape") and all(size > 0 for size in dims):
                tensors[value.name] = Tensor(
                    value.name, tuple(dims), element_bits(value.type.tensor_type.elem_type)
                )
        for tensor in body.initializer:
            tensors[tensor.name] = Tensor(tensor.name, tuple(tensor.dims), tensor_bits(tensor), True)
    for given in source.inputs:
        known = tensors.get(given.name)
        tensors[given.name] = Tensor(given.name, given.shape, known.element_bits if known else 32)
    return tensors


def _walk(graph: Any, tensors: dict[str, Tensor], guessed: list[str]) -> list[Node]:
    nodes: list[Node] = []
    for proto in graph.node:
        bodies = [_walk(body, tensors, guessed) for body in subgraphs(proto)]
        longest: list[Node] = max(bodies, key=len, default=[])
        nodes += longest
        if proto.op_type == "Constant":
            _add_constant(proto, tensors)
        elif not bodies:
            nodes.append(_node(proto, tensors, guessed))
    return nodes


def _add_constant(proto: Any, tensors: dict[str, Tensor]) -> None:
    for attribute in proto.attribute:
        if attribute.HasField("t"):
            name = proto.output[0]
            tensors[name] = Tensor(name, tuple(attribute.t.dims), tensor_bits(attribute.t), True)


def _node(proto: Any, tensors: dict[str, Tensor], guessed: list[str]) -> Node:
    inputs = tuple(tensors.get(name) if name else None for name in proto.input)
    present = [tensor for tensor in inputs if tensor is not None and not tensor.constant]
    largest = max(present, key=lambda tensor: tensor.elements, default=None)
    for name in proto.output:
        if name and name not in tensors:
            guessed.append(name)
            tensors[name] = Tensor(
                name, largest.shape if largest else (), largest.element_bits if largest else 32
            )
    outputs = tuple(tensors[name] for name in proto.output if name)
    return Node(proto.name, proto.op_type, proto.domain, inputs, outputs, node_attributes(proto))
