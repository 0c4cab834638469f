"""Bytes of the files that a plan will give, from shapes alone: nothing is rounded or written."""

from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path

import onnx

from autocompress.transforms.onnx_precision.compute import INTEGER_OPERATORS
from autocompress.transforms.onnx_precision.editing import GraphEdit
from autocompress.transforms.onnx_precision.plan import PrecisionPlan
from autocompress.transforms.onnx_precision.roles import Weight, parameters_of, weights_of
from autocompress.transforms.quantizers import INT4_BLOCK, is_small, stored_as

# A weight's own part of a graph file (names, shapes, the nodes that widen it or compute with it), averaged
# over written graphs; the GPT's name places in a file beside them. tests/transforms/onnx_precision hold the
# whole size to 2 %.
WIDENED_BYTES = {
    "gpt": {"fp32": 105, "fp16": 135, "int8": 235, "int4": 403},
    "sovits": {"fp32": 20, "fp16": 51, "int8": 83, "int4": 207},
}
INTEGER_BYTES = {"gpt": {"int8": 335, "int4": 340}, "sovits": {"int8": 233, "int4": 526}}
_TABLES_BYTES = 3_200  # what int4's bytes stand for, once a file


def predicted_bytes(graphs: Mapping[str, Path], plan: PrecisionPlan) -> int:
    """Bytes of :func:`write_graphs` on the same graphs and plan, to within 2 %."""
    models = {name: onnx.load(str(path)) for name, path in graphs.items()}
    known = {name: value for model in models.values() for name, value in parameters_of(model).items()}
    weights = {name: weights_of(model, known) for name, model in models.items()}
    parameters = {weight.parameter: (known[weight.parameter].shape, weight)
                  for group in weights.values() for weight in group}  # fmt: skip
    stored = sum(stored_bytes(shape, weight.output_axis, _storage(plan, weight.role, prod(shape)))
                 for shape, weight in parameters.values())  # fmt: skip
    return int(stored + sum(_graph_bytes(models[name], weights[name], plan) for name in models))


def stored_bytes(shape: Iterable[int], output_axis: int, storage: str) -> int:
    """Bytes of one weight: its codes and its scales."""
    sizes = list(shape)
    rows, columns = sizes[output_axis], prod(sizes) // sizes[output_axis]
    if storage in ("fp32", "fp16"):
        return rows * columns * (4 if storage == "fp32" else 2)
    if storage == "int8":
        return rows * (columns + 4)
    blocks = -(-columns // INT4_BLOCK)
    return rows * blocks * (INT4_BLOCK // 2 + 1)


def _graph_bytes(model: onnx.ModelProto, weights: list[Weight], plan: PrecisionPlan) -> float:
    """A graph without its weights: nodes, names, and the tensors that no plan touches."""
    edit = GraphEdit(model)
    for weight in weights:
        edit.remove_tensor(weight.initializer)
    extra = sum(_entry_bytes(weight, plan) for weight in weights)
    narrow = any(_storage(plan, weight.role, weight.value.size) == "int4" for weight in weights)
    return float(edit.applied().ByteSize() + extra + _TABLES_BYTES * narrow)


def _entry_bytes(weight: Weight, plan: PrecisionPlan) -> int:
    numbers = weight.value.size
    integer = plan.compute_of(weight.role) == "dynamic-int8" and weight.op_type in INTEGER_OPERATORS
    kinds = INTEGER_BYTES if integer and not is_small(weight.role, numbers) else WIDENED_BYTES
    return kinds[weight.role.split(".")[0]][_storage(plan, weight.role, numbers)]


def _storage(plan: PrecisionPlan, role: str, numbers: int) -> str:
    return stored_as(plan.storage_of(role), role, numbers)
