"""The weights of an exported graph: which parameter each initialiser was, and which role it plays.

The exporter folds transposes and slices into weights and renames them (``val_10``). The node that reads one
still says which parameters it was called with, in its metadata, and the graph's signature says their names. A
slice of a parameter is found by its rows.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from autocompress.errors import CheckpointError

Array = np.ndarray[Any, np.dtype[Any]]

_SIGNATURE = "pkg.torch.export.ExportedProgram.graph_signature"
_CALL = "pkg.torch.onnx.fx_node"
_WEIGHT_INPUT = {"Conv": 1, "ConvTranspose": 1, "MatMul": 1, "Gemm": 1, "Gather": 0, "Slice": 0}
# Large weights are sliced by the graph itself (the last block of prefill), small ones by the exporter.
_ROLES = (
    (r"gpt\.h\.layers\.(\d+)\.self_attn\.", r"gpt.attention.\1"),
    (r"gpt\.h\.layers\.(\d+)\.linear[12]\.", r"gpt.ffn.\1"),
    (r"gpt\.(ar_text_embedding|ar_audio_embedding|bert_proj)\.", "gpt.embedding"),
    (r"gpt\.ar_predict_layer\.", "gpt.head"),
    (r"(table$|sovits\.enc_p\.text_embedding\.)", "sovits.embedding"),
    (r"sovits\.enc_p\.", "sovits.prior"),
    (r"sovits\.flow\.", "sovits.flow"),
    (r"sovits\.dec\.", "sovits.vocoder"),
)


@dataclass(frozen=True, eq=False)
class Weight:
    """``initializer`` is its name in the graph, ``parameter`` its name in the network.

    ``value`` lies as the network has it; ``turned`` says that the graph wants its transpose.
    """

    initializer: str
    parameter: str
    op_type: str
    turned: bool
    value: Array

    @property
    def role(self) -> str:
        return role_of(self.parameter)

    @property
    def output_axis(self) -> int:
        return int(self.op_type == "ConvTranspose")


def weights_of(model: onnx.ModelProto, known: Mapping[str, Array] | None = None) -> list[Weight]:
    """Every weight that may be stored narrow: not biases, norms, scalars or relative positions.

    ``known``: parameters of other graphs of the same network, by which slices are recognised.
    """
    found, unnamed = _named_weights(model)
    rows = _Rows(dict(known or {}) | {weight.parameter: weight.value for weight in found})
    slices = (one.resolved(rows) for one in unnamed)
    return [*found, *(weight for weight in slices if weight is not None)]


def parameters_of(model: onnx.ModelProto) -> dict[str, Array]:
    """The weights that the graph names, by parameter."""
    return {weight.parameter: weight.value for weight in _named_weights(model)[0]}


def role_of(parameter: str) -> str:
    """The role of a parameter of :class:`PrefillGraph`, :class:`StepGraph` or :class:`SovitsGraph`."""
    role = find_role(parameter)
    if role is None:
        raise CheckpointError(
            f"The parameter {parameter!r} of an exported graph belongs to no role of GPT or SoVITS; "
            "it cannot be given a precision."
        )
    return role


def find_role(parameter: str) -> str | None:
    """:func:`role_of`, or None for what no graph holds."""
    matches = ((re.match(pattern, parameter), role) for pattern, role in _ROLES)
    return next((match.expand(role) for match, role in matches if match), None)


def is_weight(parameter: str) -> bool:
    """Weights are stored narrow; biases, norms, relative positions and scalars stay fp32."""
    return parameter == "table" or parameter.endswith((".weight", "_weight"))


@dataclass(frozen=True, eq=False)
class _Unnamed:
    """A matrix whose node was called with something computed from parameters."""

    initializer: str
    op_type: str
    turned: bool
    value: Array

    def resolved(self, rows: "_Rows") -> Weight | None:
        parameter = rows.parameter_with(self.value)
        if parameter is None:
            return None
        return Weight(self.initializer, parameter, self.op_type, self.turned, self.value)


class _Rows:
    """Finds the parameter that has given consecutive rows."""

    def __init__(self, parameters: Mapping[str, Array]) -> None:
        self._parameters = parameters

    def parameter_with(self, value: Array) -> str | None:
        for name, whole in self._parameters.items():
            if whole.ndim == 2 and whole.shape[1] == value.shape[1] and _contains(whole, value):
                return name
        return None


def _contains(whole: Array, part: Array) -> bool:
    starts = np.flatnonzero((whole == part[0]).all(axis=1))
    return any(np.array_equal(whole[start : start + len(part)], part) for start in starts)


def _named_weights(model: onnx.ModelProto) -> tuple[list[Weight], list[_Unnamed]]:
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    signature = _signature(model)
    found: dict[str, Weight] = {}
    unnamed: dict[str, _Unnamed] = {}
    for node, name in _uses(model, tensors):
        if name in found or name in unnamed:
            continue
        parameter, turned = _parameter(node, name, signature), _turned(node)
        value = numpy_helper.to_array(tensors[name])
        value = np.ascontiguousarray(value.T) if turned else value
        if parameter is not None:
            found[name] = Weight(name, parameter, node.op_type, turned, value)
        elif value.ndim == 2:
            unnamed[name] = _Unnamed(name, node.op_type, turned, value)
    return list(found.values()), list(unnamed.values())


def _uses(
    model: onnx.ModelProto, tensors: Mapping[str, onnx.TensorProto]
) -> Iterator[tuple[onnx.NodeProto, str]]:
    """(node, initialiser) for each node that multiplies by, or looks up in, a stored matrix."""
    for node in model.graph.node:
        place = _WEIGHT_INPUT.get(node.op_type)
        tensor = tensors.get(node.input[place]) if place is not None else None
        if tensor is not None and len(tensor.dims) > 1 and tensor.data_type == onnx.TensorProto.FLOAT:
            yield node, tensor.name


def _parameter(node: onnx.NodeProto, name: str, signature: Mapping[str, str]) -> str | None:
    if is_weight(name):
        return name
    call = next((entry.value for entry in node.metadata_props if entry.key == _CALL), "")
    arguments = (signature.get(word, "") for word in re.findall(r"%(\w+)", call))
    return next((argument for argument in arguments if is_weight(argument)), None)


def _signature(model: onnx.ModelProto) -> dict[str, str]:
    text = next((entry.value for entry in model.graph.metadata_props if entry.key == _SIGNATURE), "")
    return dict(re.findall(r"^(\w+): \w+ target='([^']+)'", text, re.MULTILINE))


def _turned(node: onnx.NodeProto) -> bool:
    """A graph multiplies by [K, N]; the network's linear maps are [N, K]."""
    if node.op_type == "Gemm":
        return not any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    return node.op_type == "MatMul"
