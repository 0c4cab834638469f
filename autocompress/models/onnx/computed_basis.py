"""The inverse transform of a spectral vocoder as operators: a graph holds how it is made, not the megabyte.

ONNX Runtime folds them into a constant when it loads the graph.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from autocompress.models.config import IstftConfig
from autocompress.models.sovits.istft import bin_weights, synthesis_basis, synthesis_window


def compute_basis(model: ModelProto, config: IstftConfig) -> None:
    """Replace the constant that equals :func:`synthesis_basis` by what computes it, in place."""
    graph = model.graph
    found = next((tensor for tensor in graph.initializer if _is_basis(tensor, config)), None)
    assert found is not None, "the exported vocoder multiplies by no synthesis basis"
    graph.initializer.remove(found)
    constants = _constants(config)
    graph.initializer.extend(
        numpy_helper.from_array(value, _named(name)) for name, value in constants.items()
    )
    nodes = [*_nodes(found.name), *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _is_basis(tensor: TensorProto, config: IstftConfig) -> bool:
    if tuple(tensor.dims) != (2 * config.bins, config.n_fft):
        return False
    return np.array_equal(numpy_helper.to_array(tensor), synthesis_basis(config).numpy())


def _constants(config: IstftConfig) -> dict[str, "np.ndarray[Any, Any]"]:
    return {
        "bins": np.arange(config.bins)[:, None],
        "places": np.arange(config.n_fft),
        "n_fft": np.array(config.n_fft),
        "step": np.array(2 * math.pi / config.n_fft, np.float32),
        "weights": bin_weights(config).numpy()[:, None],
        "window": synthesis_window(config).numpy(),
    }


def _nodes(basis: str) -> Iterator[NodeProto]:
    def node(op_type: str, inputs: str, output: str, **attributes: Any) -> NodeProto:
        names = [_named(name) for name in inputs.split()]
        return helper.make_node(op_type, names, [output], f"{basis}.{op_type}.{output}", **attributes)

    yield node("Mul", "bins places", _named("turns"))
    yield node("Mod", "turns n_fft", _named("wrapped"))
    yield node("Cast", "wrapped", _named("fraction"), to=TensorProto.FLOAT)
    yield node("Mul", "fraction step", _named("angles"))
    yield node("Cos", "angles", _named("cos"))
    yield node("Sin", "angles", _named("sin"))
    yield node("Neg", "sin", _named("minus_sin"))
    yield node("Mul", "cos weights", _named("real"))
    yield node("Mul", "minus_sin weights", _named("imaginary"))
    yield node("Concat", "real imaginary", _named("bare"), axis=0)
    yield node("Mul", "bare window", basis)


def _named(name: str) -> str:
    return f"synthesis.{name}"
