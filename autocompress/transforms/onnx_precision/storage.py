"""Weights stored narrow and widened once, while the graph is loaded; the kernels stay those of fp32.

``Cast``, ``Gather`` and ``Mul`` over stored tensors are folded by ONNX Runtime when a session is made. It
does not fold ``DequantizeLinear``, which stays in the graph or turns into another kernel: that is not used.
Tensors lie in the file as the network has them, whichever way a graph multiplies by them: graphs share them.
"""

from collections.abc import Callable, Mapping

import numpy as np
from onnx import TensorProto

from autocompress.transforms.onnx_precision.editing import GraphEdit
from autocompress.transforms.onnx_precision.roles import Array, Weight
from autocompress.transforms.quantizers import quantize
from autocompress.transforms.scale_steps import TABLE, scale_bytes

_BYTES = np.arange(256)
_PAIRS = np.stack([_BYTES % 16 - 8, _BYTES // 16 - 8], axis=1).astype(np.float32)
"""The two codes of a byte."""


def store(edit: GraphEdit, weight: Weight, storage: str) -> None:
    """Replace the fp32 initialiser by narrow ones and the nodes that widen them, under its own name."""
    if storage == "fp32" and not weight.turned:
        return
    edit.remove_tensor(weight.initializer)
    if weight.turned:
        edit.fold("Transpose", [_STORES[storage](edit, weight, None)], weight.initializer, perm=[1, 0])
    else:
        _STORES[storage](edit, weight, weight.initializer)


def widened_fp32(edit: GraphEdit, weight: Weight, output: str | None) -> str:
    return edit.constant(weight.value, output)


def widened_fp16(edit: GraphEdit, weight: Weight, output: str | None) -> str:
    codes = edit.constant(quantize(weight.value, "fp16", weight.output_axis).codes)
    return edit.fold("Cast", [codes], output, to=TensorProto.FLOAT)


def widened_int8(edit: GraphEdit, weight: Weight, output: str | None) -> str:
    codes, scale = int8_constants(edit, weight)
    wide = edit.fold("Cast", [codes], to=TensorProto.FLOAT)
    return edit.fold("Mul", [wide, scale], output)


def widened_int4(edit: GraphEdit, weight: Weight, output: str | None) -> str:
    value, axis = weight.value, weight.output_axis
    coded = quantize(value, "int4", axis)
    rows, blocks, block = coded.codes.shape
    moved = np.moveaxis(value, axis, 0).shape
    wide = _unpacked(edit, coded.codes)
    result = edit.fold("Mul", [wide, scales_constant(edit, coded.scales[..., None, None])])
    if blocks * block != int(np.prod(moved[1:])):
        result = _first_columns(edit, _reshape(edit, result, (rows, blocks * block)), int(np.prod(moved[1:])))
    if axis == 0:
        return _reshape(edit, result, moved, output)
    order = list(range(1, value.ndim))
    order.insert(axis, 0)
    return edit.fold("Transpose", [_reshape(edit, result, moved)], output, perm=order)


def _unpacked(edit: GraphEdit, codes: Array) -> str:
    """fp32 codes [rows, blocks, block / 2, 2] from the bytes of :func:`packed_int4`, from a table.

    ONNX's own 4-bit tensors would need fewer nodes, but the ORT format cannot hold them.
    """
    return _looked_up(edit, packed_int4(codes), "int4.pairs", _PAIRS)


def _looked_up(edit: GraphEdit, codes: Array, name: str, table: Array) -> str:
    """What each byte stands for, along a last axis where it is more than a number."""
    places = edit.fold("Cast", [edit.constant(codes)], to=TensorProto.INT32)
    return edit.fold("Gather", [edit.constant(table, name), places], axis=0)


def packed_int4(codes: Array) -> Array:
    """Codes from 0 to 15, the first of two in the low half: ``MatMulNBits``' layout, and so everybody's.

    Where the step computes with a weight and the prefill widens it, both find the same bytes.
    """
    shifted = (codes.astype(np.int16) + 8).astype(np.uint8)
    return np.asarray(shifted[..., 0::2] | (shifted[..., 1::2] << 4), dtype=np.uint8)


def int8_constants(edit: GraphEdit, weight: Weight) -> tuple[str, str]:
    """Names of the int8 codes, as the weight lies, and of their fp32 scale, which broadcasts to it."""
    value, axis = weight.value, weight.output_axis
    coded = quantize(value, "int8", axis)
    shape = [value.shape[axis] if place == axis else 1 for place in range(value.ndim)]
    return edit.constant(coded.codes), edit.constant(coded.scales.reshape(shape))


def scales_constant(edit: GraphEdit, scales: Array) -> str:
    """Name of int4's fp32 scales, from a byte each (``transforms.scale_steps``)."""
    codes, top = scale_bytes(scales)
    unit = edit.constant(np.array(top, np.float32), f"top{top:g}")
    return edit.fold("Mul", [_looked_up(edit, codes, "int4.steps", TABLE), unit])


def _reshape(edit: GraphEdit, source: str, shape: tuple[int, ...], output: str | None = None) -> str:
    name = "to_" + "x".join(str(size) for size in shape)
    return edit.fold("Reshape", [source, edit.constant(np.array(shape, np.int64), name)], output)


def _first_columns(edit: GraphEdit, source: str, columns: int) -> str:
    bounds = (("n0", 0), (f"n{columns}", columns), ("n1", 1))
    return edit.fold("Slice", [source, *(edit.constant(np.array([n], np.int64), name) for name, n in bounds)])


_STORES: Mapping[str, Callable[[GraphEdit, Weight, str | None], str]] = {
    "fp32": widened_fp32,
    "fp16": widened_fp16,
    "int8": widened_int8,
    "int4": widened_int4,
}
