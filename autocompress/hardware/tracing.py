"""The operators that ONNX Runtime really executes: its own optimised graph, run once with its event log on.

The log gives the shape of every value, the branches taken and the iterations run. Its times are not used:
logging inflates small operators (onnxruntime#20238).
"""

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autocompress.hardware.graph import Execution, Node, Tensor
from autocompress.hardware.model_file import ModelFile, ModelInput, all_graphs, element_bits, tensor_bits

_LEVELS = {"none": "ORT_DISABLE_ALL", "extended": "ORT_ENABLE_EXTENDED", "all": "ORT_ENABLE_ALL"}
_PROTO_LIMIT_BYTES = 2_000_000_000
_SUFFIX = "_kernel_time"
_FEW = 4


class TraceError(Exception):
    """ONNX Runtime cannot load or run the model; the reason is the message."""


def trace_nodes(source: ModelFile, optimization: str = "all") -> Execution:
    """Optimise at the level asked, run once, and return the executed nodes in order.

    A graph that does not run on ones may want an interval of places, such as our SoVITS's window of frames: a
    few numbers are then taken from nothing to the longest axis of any input.
    """
    longest = max((size for value in source.inputs for size in value.shape), default=1)
    with tempfile.TemporaryDirectory(prefix="autocompress-trace-") as folder:
        try:
            events = _run(source, optimization, Path(folder))
        except TraceError as error:
            events = _run_on_intervals(source, optimization, Path(folder), longest, error)
        optimized = _load_optimized(Path(folder) / "optimized.onnx")
    names = _TraceNames.of(optimized, source.inputs)
    nodes = [node for event in events if (node := names.node(event)) is not None]
    outputs = frozenset(value.name for value in optimized.graph.output)
    return Execution(
        tuple(nodes), names.weight_bytes, outputs | {value.name for value in source.inputs}, outputs
    )


def _run_on_intervals(
    source: ModelFile, optimization: str, folder: Path, longest: int, first: TraceError
) -> list[dict[str, Any]]:
    if not any(_is_interval(value) for value in source.inputs):
        raise first
    try:
        return _run(source, optimization, folder, longest)
    except TraceError:
        raise first from None


def _run(
    source: ModelFile, optimization: str, folder: Path, longest: int | None = None
) -> list[dict[str, Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, _LEVELS[optimization])
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", "weights.bin")
    options.add_session_config_entry(
        "session.optimized_model_external_initializers_min_size_in_bytes", "1024"
    )
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "trace")
    try:
        session = onnxruntime.InferenceSession(
            _loadable(source, folder), options, providers=["CPUExecutionProvider"]
        )
        session.run(None, {value.name: example_input(value, longest) for value in source.inputs})
    except Exception as error:  # onnxruntime raises a dozen unrelated classes, some of them bare Exceptions
        raise TraceError(str(error).splitlines()[0]) from error
    log = Path(session.end_profiling())
    return [event for event in json.loads(log.read_text()) if event.get("cat") == "Node"]


def _loadable(source: ModelFile, folder: Path) -> "bytes | str":
    import onnx

    if source.proto.ByteSize() < _PROTO_LIMIT_BYTES:
        return bytes(source.proto.SerializeToString())
    path = folder / "source.onnx"
    onnx.save_model(source.proto, str(path), save_as_external_data=True, location="source.bin")
    return str(path)


def _load_optimized(path: Path) -> Any:
    import onnx

    return onnx.load(str(path), load_external_data=False)


def _is_interval(value: ModelInput) -> bool:
    """A few whole numbers: places rather than indices into a table."""
    return "INT" in value.element_type and len(value.shape) == 1 and 1 < value.shape[0] <= _FEW


def example_input(value: ModelInput, longest: int | None = None) -> Any:
    """A plausible input: noise for numbers, ones for indices and flags, intervals up to ``longest``."""
    import numpy as np

    kinds = {"FLOAT": "f4", "FLOAT16": "f2", "DOUBLE": "f8", "BOOL": "?", "UINT8": "u1", "INT8": "i1"}
    kinds |= {"INT64": "i8", "INT32": "i4", "INT16": "i2", "UINT16": "u2", "UINT32": "u4", "UINT64": "u8"}
    if value.element_type not in kinds:
        raise TraceError(
            f"input {value.name} has the type {value.element_type}, for which no example can be made"
        )
    if "FLOAT" in value.element_type or value.element_type == "DOUBLE":
        noise = np.random.default_rng(0).standard_normal(value.shape) * 0.1
        return noise.astype(kinds[value.element_type])
    if longest is not None and _is_interval(value):
        return np.linspace(0, longest, value.shape[0]).astype(kinds[value.element_type])
    return np.ones(value.shape, kinds[value.element_type])


@dataclass
class _TraceNames:
    """What the optimised file says about each name: nodes, weights, element types seen so far."""

    nodes: dict[tuple[str, str], Any]
    tensors: dict[str, Tensor]
    weight_bytes: int = field(default=0)

    @classmethod
    def of(cls, model: Any, inputs: Iterable[ModelInput]) -> "_TraceNames":
        nodes = {(node.name, node.op_type): node for body in all_graphs(model.graph) for node in body.node}
        weights = [tensor for body in all_graphs(model.graph) for tensor in body.initializer]
        tensors = {
            t.name: Tensor(t.name, tuple(t.dims), tensor_bits(t), True, _kind(t.data_type)) for t in weights
        }
        tensors |= {
            v.name: Tensor(v.name, v.shape, _bits(v.element_type), False, v.element_type) for v in inputs
        }
        return cls(nodes, tensors, sum(t.size_bytes for t in tensors.values() if t.constant))

    def node(self, event: Mapping[str, Any]) -> Node | None:
        """The node of an event; control flow itself is not one, its bodies have events of their own."""
        details = event["args"]
        proto = self.nodes.get((event["name"].removesuffix(_SUFFIX), details["op_name"]))
        if proto is None or details["op_name"] in {"If", "Loop", "Scan"}:
            return None
        outputs = self._outputs(proto, details.get("output_type_shape", []))
        return Node(
            name=proto.name,
            op_type=proto.op_type,
            domain=proto.domain,
            inputs=tuple(self._input(name) for name in proto.input),
            outputs=outputs,
            attributes=node_attributes(proto),
        )

    def _outputs(self, proto: Any, described: list[dict[str, list[int]]]) -> tuple[Tensor, ...]:
        present = [name for name in proto.output if name]
        for name, entry in zip(present, described, strict=False):
            (kind, shape), *_ = entry.items()
            self.tensors[name] = Tensor(name, tuple(shape), _ORT_BITS.get(kind, 32), False, kind)
        return tuple(self.tensors[name] for name in present if name in self.tensors)

    def _input(self, name: str) -> Tensor | None:
        return self.tensors.get(name) if name else None


_ORT_BITS = {
    "float": 32, "float16": 16, "bfloat16": 16, "double": 64, "int64": 64, "int32": 32, "int16": 16,
    "int8": 8, "uint64": 64, "uint32": 32, "uint16": 16, "uint8": 8, "bool": 8,
}  # fmt: skip


def node_attributes(proto: Any) -> dict[str, Any]:
    """Numbers, texts and lists of a node; tensors and bodies are left out."""
    from onnx import helper

    plain = [a for a in proto.attribute if not a.HasField("t") and not a.HasField("g") and not a.graphs]
    return {a.name: helper.get_attribute_value(a) for a in plain}


def _bits(name: str) -> int:
    from onnx import TensorProto

    return element_bits(TensorProto.DataType.Value(name))


def _kind(type_number: int) -> str:
    from onnx import TensorProto

    return str(TensorProto.DataType.Name(type_number)).lower()
