"""Kernels that multiply in 8-bit whole numbers, rounding activations as they come.

The GPT's int4 weights go to ``MatMulNBits`` at accuracy level 4 (activations rounded in blocks of 32), its
int8 weights to ``MatMulInteger``, convolutions to ``ConvInteger`` (activations rounded by one scale), all
with a scale for each output channel. A transposed convolution and a lookup have no such kernel: their weights
are only stored narrow. ``transforms.compute`` does the same roundings in PyTorch.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from onnx import NodeProto, TensorProto, helper

from autocompress.errors import CheckpointError
from autocompress.transforms.onnx_precision.editing import GraphEdit
from autocompress.transforms.onnx_precision.roles import Weight
from autocompress.transforms.onnx_precision.storage import (
    int8_constants,
    packed_int4,
    scales_constant,
    widened_int4,
)
from autocompress.transforms.quantizers import INT4_BLOCK, quantize


def compute_int8(edit: GraphEdit, weight: Weight, storage: str, users: Sequence[NodeProto]) -> bool:
    """Let the nodes that use ``weight`` compute in int8; False where the runtime has no kernel for that."""
    kernel = _KERNELS.get(weight.op_type)
    if kernel is None:
        return False
    edit.remove_tensor(weight.initializer)
    kernel(edit, weight, storage, users)
    return True


def matmul(edit: GraphEdit, weight: Weight, storage: str, users: Sequence[NodeProto]) -> None:
    """x [.., K] times a weight [N, K], with Gemm's bias where there is one."""
    make = _matmul_blocks(edit, weight) if storage == "int4" else _matmul_integer(edit, weight)
    for node in users:
        _refuse_scaled_gemm(node)
        bias = node.input[2] if len(node.input) > 2 else None
        out = node.output[0]
        nodes = make(node.input[0], f"{out}.sum" if bias else out)
        if bias:
            nodes.append(helper.make_node("Add", [f"{out}.sum", bias], [out]))
        edit.replace(node, nodes)


_MakeNodes = Callable[[str, str], list[NodeProto]]


def _matmul_blocks(edit: GraphEdit, weight: Weight) -> _MakeNodes:
    coded = quantize(weight.value, "int4", weight.output_axis)
    codes = edit.constant(packed_int4(coded.codes))
    scales = scales_constant(edit, coded.scales)
    outer, inner = weight.value.shape

    def make(x: str, out: str) -> list[NodeProto]:
        return [helper.make_node(
            "MatMulNBits", [x, codes, scales], [out], domain="com.microsoft",
            K=inner, N=outer, bits=4, block_size=INT4_BLOCK, accuracy_level=4,
        )]  # fmt: skip

    return make


def _matmul_integer(edit: GraphEdit, weight: Weight) -> _MakeNodes:
    stored, scale = int8_constants(edit, weight)
    codes = edit.fold("Transpose", [stored], perm=[1, 0])
    flat = edit.fold("Reshape", [scale, edit.constant(np.array([-1], np.int64), "flat")])
    return lambda x, out: _integer_nodes("MatMulInteger", x, codes, flat, out)


def convolution(edit: GraphEdit, weight: Weight, storage: str, users: Sequence[NodeProto]) -> None:
    codes, scale = int8_constants(edit, weight) if storage == "int8" else _int8_of_int4(edit, weight)
    shape = (1, -1, *[1] * (weight.value.ndim - 2))
    target = edit.constant(np.array(shape, np.int64), f"channels{len(shape)}")
    flat = edit.fold("Reshape", [scale, target])
    for node in users:
        bias = edit.fold("Reshape", [node.input[2], target]) if len(node.input) > 2 else None
        out = node.output[0]
        nodes = _integer_nodes("ConvInteger", node.input[0], codes, flat, f"{out}.sum" if bias else out)
        nodes[1].attribute.extend(node.attribute)
        if bias:
            nodes.append(helper.make_node("Add", [f"{out}.sum", bias], [out]))
        edit.replace(node, nodes)


def _int8_of_int4(edit: GraphEdit, weight: Weight) -> tuple[str, str]:
    """int8 codes, made while loading, of a weight stored as int4: ConvInteger has no scale a block."""
    axis = weight.output_axis
    again = quantize(quantize(weight.value, "int4", axis).dequantised, "int8", axis)
    wide = widened_int4(edit, weight, None)
    scale = edit.constant(again.scales.reshape(-1, *[1] * (weight.value.ndim - 1)))
    whole = edit.fold("Round", [edit.fold("Div", [wide, scale])])
    return edit.fold("Cast", [whole], to=TensorProto.INT8), scale


def _integer_nodes(op_type: str, x: str, codes: str, scale: str, out: str) -> list[NodeProto]:
    """Quantize x, multiply, and return to fp32; ONNX Runtime fuses the MatMul's five nodes into one."""
    rounded = [f"{out}.{part}" for part in ("q", "qs", "qz")]
    return [
        helper.make_node("DynamicQuantizeLinear", [x], rounded),
        helper.make_node(op_type, [rounded[0], codes, rounded[2]], [f"{out}.i"]),
        helper.make_node("Cast", [f"{out}.i"], [f"{out}.f"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [rounded[1], scale], [f"{out}.s"]),
        helper.make_node("Mul", [f"{out}.f", f"{out}.s"], [out]),
    ]


def _refuse_scaled_gemm(node: NodeProto) -> None:
    scaled = [a.name for a in node.attribute if a.name in ("alpha", "beta") and a.f != 1.0]
    turned = [a.name for a in node.attribute if a.name == "transA" and a.i]
    if scaled or turned:
        raise CheckpointError(
            f"The node {node.name!r} has {', '.join(scaled + turned)}, which integer kernels cannot take; "
            "export the graph with torch.onnx.export(dynamo=True)."
        )


_KERNELS: Mapping[str, Callable[[GraphEdit, Weight, str, Sequence[NodeProto]], None]] = {
    "MatMul": matmul,
    "Gemm": matmul,
    "Conv": convolution,
}
INTEGER_OPERATORS = frozenset(_KERNELS)
"""Operators that have such a kernel."""
