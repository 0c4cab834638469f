"""How many bytes of weights one step reads."""

import math
from pathlib import Path

import onnx

_BYTES = {onnx.TensorProto.FLOAT: 4, onnx.TensorProto.FLOAT16: 2, onnx.TensorProto.INT8: 1}


def step_weight_bytes(path: Path) -> int:
    """All constants of the graph but tables, of which a step reads one row."""
    graph = onnx.load(path, load_external_data=False).graph
    tables = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    return sum(
        _BYTES.get(tensor.data_type, 8) * math.prod(tensor.dims)
        for tensor in graph.initializer
        if tensor.name not in tables
    )
