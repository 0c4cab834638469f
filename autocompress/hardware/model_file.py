"""An ONNX file with its open dimensions bound and every node named, ready to be traced or inferred."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autocompress.errors import ProfileError

_BITS = {
    "FLOAT": 32, "DOUBLE": 64, "FLOAT16": 16, "BFLOAT16": 16, "INT64": 64, "INT32": 32, "INT16": 16,
    "INT8": 8,
    "UINT64": 64, "UINT32": 32, "UINT16": 16, "UINT8": 8, "BOOL": 8, "INT4": 4, "UINT4": 4, "STRING": 128,
    "COMPLEX64": 64, "COMPLEX128": 128, "FLOAT8E4M3FN": 8, "FLOAT8E5M2": 8, "INT2": 2, "UINT2": 2,
}  # fmt: skip


@dataclass(frozen=True)
class ModelInput:
    """One graph input with its bound shape and ONNX element type name (``"FLOAT"``, ``"INT64"`` …)."""

    name: str
    shape: tuple[int, ...]
    element_type: str


@dataclass(frozen=True)
class ModelFile:
    """A loaded model: ``path`` is set when it lies on disk with external data beside it."""

    proto: Any
    path: Path | None
    inputs: tuple[ModelInput, ...]
    storage_bytes: int
    notes: tuple[str, ...] = ()


def element_bits(type_number: int) -> int:
    """Width of an ONNX element type; 32 for one that is newer than this table."""
    from onnx import TensorProto

    return _BITS.get(TensorProto.DataType.Name(type_number), 32)


def tensor_bits(tensor: Any) -> int:
    """Width of an initializer's elements."""
    return element_bits(tensor.data_type)


def load_model(model: "str | Path | Any", shapes: Mapping[str, Sequence[int]]) -> ModelFile:
    """Read a path or take a ``ModelProto``, bind its inputs, and give every node a name of its own."""
    import onnx

    path = Path(model) if isinstance(model, (str, Path)) else None
    proto = _parse(path) if path else onnx.ModelProto.FromString(_serialized(model))
    bound, notes = _bind(proto.graph, shapes)
    _name_nodes(proto.graph)
    return ModelFile(proto, path, bound, _storage_bytes(proto), notes)


def _serialized(model: Any) -> bytes:
    return bytes(model.SerializeToString())


def _parse(path: Path) -> Any:
    import onnx

    if not path.is_file():
        raise ProfileError(
            f"asked to cost {str(path)!r}, but there is no such file. Give the path of an ONNX file."
        )
    try:
        proto = onnx.load(str(path))
    except Exception as error:
        raise ProfileError(
            f"{path} is not an ONNX file that can be read ({error}). Export the model again."
        ) from error
    if not proto.graph.node and not proto.graph.output:
        raise ProfileError(f"{path} holds no ONNX graph. Give a file that was exported as ONNX.")
    return proto


def _bind(graph: Any, shapes: Mapping[str, Sequence[int]]) -> tuple[tuple[ModelInput, ...], tuple[str, ...]]:
    from onnx import TensorProto

    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    _refuse_unknown(shapes, [value.name for value in inputs])
    symbols = _symbols(inputs, shapes)
    bound, missing, ones = [], [], []
    for value in inputs:
        tensor = value.type.tensor_type
        dims = _dims(value, shapes.get(value.name), symbols)
        if isinstance(dims, str):
            missing.append(dims)
            continue
        kind = TensorProto.DataType.Name(tensor.elem_type)
        ones += [value.name] if "INT" in kind else []
        bound.append(ModelInput(value.name, dims, kind))
    if missing:
        raise ProfileError(
            "the shapes of these inputs are open: "
            + "; ".join(missing)
            + ". Bind each with --shape NAME=1,60"
        )
    note = (f"whole-number inputs were run as ones: {', '.join(ones)}",) if ones else ()
    return tuple(bound), note


def _refuse_unknown(shapes: Mapping[str, Sequence[int]], names: list[str]) -> None:
    unknown = sorted(set(shapes) - set(names))
    if unknown:
        raise ProfileError(
            f"--shape names {', '.join(unknown)}, but the inputs of the model are {', '.join(names)}."
        )


def _symbols(inputs: list[Any], shapes: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Values of symbolic dimensions that follow from the given shapes: one name has one size everywhere."""
    found: dict[str, int] = {}
    for value in inputs:
        for dim, size in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ()), strict=False):
            if dim.dim_param:
                found[dim.dim_param] = int(size)
    return found


def _dims(value: Any, given: Sequence[int] | None, symbols: Mapping[str, int]) -> tuple[int, ...] | str:
    """The bound shape, or the text that names what is open in it."""
    tensor = value.type.tensor_type
    if given is not None:
        return _checked(value, given)
    if not tensor.HasField("shape"):
        return f"{value.name} (rank unknown)"
    sizes = [
        dim.dim_value if dim.HasField("dim_value") else symbols.get(dim.dim_param, 0)
        for dim in tensor.shape.dim
    ]
    if all(size > 0 or dim.HasField("dim_value") for size, dim in zip(sizes, tensor.shape.dim, strict=True)):
        return tuple(sizes)
    shown = ",".join(
        str(dim.dim_value) if dim.HasField("dim_value") else dim.dim_param or "?" for dim in tensor.shape.dim
    )
    return f"{value.name}=[{shown}]"


def _checked(value: Any, given: Sequence[int]) -> tuple[int, ...]:
    dims = value.type.tensor_type.shape.dim
    fits = not value.type.tensor_type.HasField("shape") or (
        len(dims) == len(given)
        and all(not d.HasField("dim_value") or d.dim_value == g for d, g in zip(dims, given, strict=True))
    )
    if not fits or any(size < 0 for size in given):
        declared = [d.dim_value or d.dim_param or "?" for d in dims]
        raise ProfileError(
            f"--shape {value.name}={','.join(map(str, given))} does not fit the declared shape {declared}. "
            "Give one size a dimension, and the fixed ones as they are."
        )
    return tuple(int(size) for size in given)


def subgraphs(node: Any) -> Iterator[Any]:
    """Bodies of a control-flow node."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def all_graphs(graph: Any) -> Iterator[Any]:
    """The graph and every body inside it."""
    yield graph
    for node in graph.node:
        for body in subgraphs(node):
            yield from all_graphs(body)


def _name_nodes(graph: Any) -> None:
    """Unique names: ONNX Runtime reports executions by name alone."""
    taken: set[str] = set()
    for body in all_graphs(graph):
        for node in body.node:
            base, number = node.name or node.op_type, 1
            name = base
            while name in taken:
                number += 1
                name = f"{base}#{number}"
            node.name = name
            taken.add(name)


def _storage_bytes(proto: Any) -> int:
    """Bytes of every stored weight, at the precision of the file."""
    total = 0
    for body in all_graphs(proto.graph):
        for tensor in body.initializer:
            total += _tensor_bytes(tensor)
        for node in body.node:
            if node.op_type == "Constant":
                total += sum(_tensor_bytes(a.t) for a in node.attribute if a.HasField("t"))
    return total


def _tensor_bytes(tensor: Any) -> int:
    count = 1
    for size in tensor.dims:
        count *= size
    return int((count * tensor_bits(tensor) + 7) // 8)
