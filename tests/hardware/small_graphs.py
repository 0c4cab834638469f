"""ONNX graphs of a few nodes for the tests beside this file."""

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper


def floats(name: str, *shape: int | str):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def weight(name: str, *shape: int, dtype: type = np.float32):
    return numpy_helper.from_array(np.full(shape, 0.1, dtype), name)


def model(nodes, inputs, outputs, weights=(), domains=()) -> ModelProto:
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), list(weights))
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)]
    made = helper.make_model(graph, opset_imports=opsets)
    made.ir_version = 8
    return made


def linear(rows: int | str = 4, k: int = 8, n: int = 16) -> ModelProto:
    """``x [rows, k] @ w [k, n]``."""
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    return model([node], [floats("x", rows, k)], [floats("y", rows, n)], [weight("w", k, n)])


def convolution(channels: int = 4, out: int = 6, length: int = 20, taps: int = 3) -> ModelProto:
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[taps // 2, taps // 2], kernel_shape=[taps])
    shapes = [floats("x", 1, channels, length)], [floats("y", 1, out, length)]
    return model([node], *shapes, [weight("w", out, channels, taps)])


def quantized_convolution(channels: int, dilation: int, length: int = 40, taps: int = 3) -> ModelProto:
    pads = [dilation * (taps // 2)] * 2
    scale, zero = weight("scale"), numpy_helper.from_array(np.uint8(128), "zero")
    w_zero = numpy_helper.from_array(np.int8(0), "w_zero")
    node = helper.make_node(
        "QLinearConv",
        ["x", "scale", "zero", "w", "scale", "w_zero", "scale", "zero"],
        ["y"],
        pads=pads, kernel_shape=[taps], dilations=[dilation],
    )  # fmt: skip
    values = (helper.make_tensor_value_info(n, TensorProto.UINT8, [1, channels, length]) for n in "xy")
    w = numpy_helper.from_array(np.ones((channels, channels, taps), np.int8), "w")
    return model([node], *([value] for value in values), [scale, zero, w_zero, w])


def chain(*op_types: str, size: int = 1000) -> ModelProto:
    """Unary operators one after another."""
    names = ["x", *(f"t{i}" for i in range(len(op_types) - 1)), "y"]
    nodes = [helper.make_node(op, [a], [b]) for op, a, b in zip(op_types, names[:-1], names[1:], strict=True)]
    return model(nodes, [floats("x", size)], [floats("y", size)])


def foreign(size: int = 100) -> ModelProto:
    """An operator that nobody but its author knows, between two known ones."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Frobnicate", ["a"], ["b"], domain="com.acme"),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    return model(nodes, [floats("x", size)], [floats("y", size)], domains=["com.acme"])


def loop(trips: int = 5, size: int = 64) -> ModelProto:
    """A loop that squares its state ``trips`` times."""
    body = helper.make_graph(
        [
            helper.make_node("Tanh", ["s"], ["t"]),
            helper.make_node("Identity", ["c"], ["more"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            floats("s", size),
        ],
        [helper.make_tensor_value_info("more", TensorProto.BOOL, []), floats("t", size)],
    )
    weights = [
        numpy_helper.from_array(np.array(trips, np.int64), "trips"),
        numpy_helper.from_array(np.array(True), "go"),
    ]
    node = helper.make_node("Loop", ["trips", "go", "x"], ["y"], body=body)
    return model([node], [floats("x", size)], [floats("y", size)], weights)
