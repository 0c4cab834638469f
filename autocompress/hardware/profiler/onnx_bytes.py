"""Writes ONNX models without the ``onnx`` package: the few protobuf messages that a probe needs.

The profiler must run where only onnxruntime and numpy install (Termux, small boards). Field numbers are those
of ``onnx.proto`` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

_ELEMENT_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9, "float16": 10}
_OPSETS = (("", 17), ("com.microsoft", 1))
_IR_VERSION = 8


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: "bytes | str") -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def tensor(name: str, array: "np.ndarray[Any, Any]") -> bytes:
    """``TensorProto``: a stored weight."""
    dims = b"".join(_number(1, size) for size in array.shape)
    kind = _number(2, _ELEMENT_TYPES[array.dtype.name])
    return dims + kind + _bytes(8, name) + _bytes(9, np.ascontiguousarray(array).tobytes())


def value_info(name: str, dtype: str, shape: Sequence[int] | None) -> bytes:
    """``ValueInfoProto``: an input or output of the graph; ``None`` leaves the shape open."""
    kind = _number(1, _ELEMENT_TYPES[dtype])
    if shape is not None:
        kind += _bytes(2, b"".join(_bytes(1, _number(1, size)) for size in shape))
    return _bytes(1, name) + _bytes(2, _bytes(1, kind))


def _attribute(name: str, value: Any) -> bytes:
    head = _bytes(1, name)
    if isinstance(value, float):
        return head + _float(2, value) + _number(20, 1)
    if isinstance(value, int):
        return head + _number(3, value) + _number(20, 2)
    if isinstance(value, str):
        return head + _bytes(4, value) + _number(20, 3)
    return head + b"".join(_number(8, item) for item in value) + _number(20, 7)


def node(
    op_type: str, inputs: Iterable[str], outputs: Iterable[str], domain: str = "", **attributes: Any
) -> bytes:
    """``NodeProto``; attributes are floats, whole numbers, texts or lists of whole numbers."""
    body = b"".join(_bytes(1, name) for name in inputs) + b"".join(_bytes(2, name) for name in outputs)
    body += _bytes(4, op_type)
    body += b"".join(_bytes(5, _attribute(name, value)) for name, value in attributes.items())
    return body + _bytes(7, domain)


def model(
    nodes: Iterable[bytes], inputs: Iterable[bytes], outputs: Iterable[bytes], weights: Iterable[bytes]
) -> bytes:
    """``ModelProto`` from the encoded parts."""
    graph = b"".join(_bytes(1, item) for item in nodes) + _bytes(2, "probe")
    graph += b"".join(_bytes(5, item) for item in weights)
    graph += b"".join(_bytes(11, item) for item in inputs) + b"".join(_bytes(12, item) for item in outputs)
    opsets = b"".join(_bytes(8, _bytes(1, domain) + _number(2, version)) for domain, version in _OPSETS)
    return _number(1, _IR_VERSION) + opsets + _bytes(7, graph)
