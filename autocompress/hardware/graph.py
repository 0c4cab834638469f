"""A neural network as a list of operators with work and traffic: what the latency model costs.

Any ONNX file becomes a :class:`Graph`. ONNX Runtime optimises it and runs it once (:mod:`.tracing`), so the
operators are those that really execute: fused, with the shapes they had, loop bodies as often as they ran,
and only the taken branch of an ``If``. A graph that ONNX Runtime cannot load (an unknown operator) is read as
it stands, from declared and inferred shapes (:mod:`.static_shapes`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autocompress.hardware.model_file import ModelFile

Shape = tuple[int, ...]
SCALE_BY_COLUMN = 2  # ``taps`` of a product of 8-bit weights whose columns have each a scale of their own
_GATHERED_BELOW = 16  # an 8-bit convolution of fewer input channels copies them before it multiplies


def conv_family(precision: str, positions: int, channels: int, *, dilated: bool = False) -> str:
    """Convolutions whose kernels take a way of their own have a family of their own (ONNX Runtime on x86).

    One position is a product with a vector: two take up to five times as long (``conv_point``). An 8-bit
    kernel of few channels copies taps that lie apart one by one: up to 2.5 times as long (``conv_dilated``).
    """
    if precision == "fp32" and positions == 1:
        return "conv_point"
    return "conv_dilated" if precision == "int8" and dilated and channels < _GATHERED_BELOW else "conv"


@dataclass(frozen=True)
class Tensor:
    """Name, shape and element width of one value; ``constant`` when it is a stored weight."""

    name: str
    shape: Shape
    element_bits: int = 32
    constant: bool = False
    kind: str = "float"

    @property
    def elements(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def size_bytes(self) -> int:
        return (self.elements * self.element_bits + 7) // 8


@dataclass(frozen=True)
class Node:
    """One executed ONNX node with the tensors it read and wrote (``None`` for an omitted optional input)."""

    name: str
    op_type: str
    domain: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Operator:
    """What a node costs in operations and bytes, independent of any machine.

    ``family`` names the kind of kernel (``"gemm"``, ``"conv"``, ``"elementwise"`` …), ``precision`` the
    arithmetic it computes in (``"fp32"``, ``"int8"``, ``"int4"``). ``batch × m × k × n`` is its shape as a
    matrix product: for a convolution ``m`` output positions, ``k`` input channels × taps, ``n`` output
    channels, ``batch`` images × groups; for an operator on elements ``m`` rows of ``n`` elements; for fused
    attention ``m`` queries and ``n`` keys of ``k`` features over ``batch`` heads. ``taps`` are those of a
    convolution; of narrow weights, how they share scales: so many in a block, or :data:`SCALE_BY_COLUMN`.
    ``work`` counts operations (two for a multiply-add), bytes are at the precision of the computation.
    """

    name: str
    op_type: str
    family: str
    precision: str
    work: float
    read_bytes: float
    written_bytes: float
    weight_bytes: float
    batch: int = 1
    m: int = 1
    k: int = 1
    n: int = 1
    taps: int = 1
    count: int = 1
    known: bool = True
    output_shape: Shape = ()

    @property
    def bytes(self) -> float:
        """All traffic of one execution: activations in, weights in, results out."""
        return self.read_bytes + self.weight_bytes + self.written_bytes


@dataclass(frozen=True)
class Graph:
    """Operators in execution order, with what the memory model and the user need to know about them.

    ``storage_bytes`` are the weights as the file keeps them, ``weight_bytes`` as the computation reads them.
    ``call`` is the entry into the runtime itself: ``m`` values in and out.
    ``notes`` states every assumption that was made while reading.
    """

    operators: tuple[Operator, ...]
    call: Operator
    storage_bytes: int
    weight_bytes: int
    peak_activation_bytes: int
    notes: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Operator types that the work model does not know; they are costed as their bytes."""
        return tuple(sorted({op.op_type for op in self.operators if not op.known}))

    @property
    def footprint_bytes(self) -> float:
        """Bytes that one run touches; decides in which cache or memory the weights live."""
        return self.weight_bytes + self.peak_activation_bytes


def read_graph(
    model: "str | Path | Any",
    shapes: Mapping[str, Sequence[int]] | None = None,
    *,
    optimization: str = "all",
) -> Graph:
    """Operators of an ONNX file or ``ModelProto`` with its symbolic dimensions bound, or of a loaded one.

    ``shapes`` gives whole shapes by input name. ``optimization`` is the level of ONNX Runtime's own passes:
    ``"all"`` as on this machine, ``"extended"`` without layouts that only x86 has, ``"none"`` as stored.
    Raises ``ProfileError`` with the list of inputs whose dimensions are still open.
    """
    from autocompress.hardware.model_file import ModelFile, load_model
    from autocompress.hardware.static_shapes import infer_nodes
    from autocompress.hardware.tracing import TraceError, trace_nodes

    source = model if isinstance(model, ModelFile) else load_model(model, shapes or {})
    try:
        execution = trace_nodes(source, optimization)
    except TraceError as error:
        execution = infer_nodes(source, str(error))
    return _graph(source, execution)


def _graph(source: "ModelFile", execution: "Execution") -> Graph:
    from autocompress.hardware.memory import peak_activation_bytes
    from autocompress.hardware.work import describe

    return Graph(
        operators=_merged([_placed(describe(node), node, execution.outputs) for node in execution.nodes]),
        call=_call(len(source.inputs), execution),
        storage_bytes=source.storage_bytes,
        weight_bytes=execution.weight_bytes,
        peak_activation_bytes=peak_activation_bytes(execution.nodes, execution.kept),
        notes=source.notes + execution.notes,
    )


def _placed(operator: Operator, node: Node, outputs: frozenset[str]) -> Operator:
    """A copy into an output of the graph writes cold memory that leaves the runtime: a cache that grows."""
    if operator.family == "copy" and any(tensor.name in outputs for tensor in node.outputs):
        return replace(operator, family="cache")
    return operator


def _call(n_inputs: int, execution: "Execution") -> Operator:
    """Entering the runtime: it binds every input and copies every output out."""
    sizes = [t.size_bytes for node in execution.nodes for t in node.outputs if t.name in execution.outputs]
    values = max(1, round((n_inputs + len(sizes)) / 2))
    returned = float(sum(sizes))
    return Operator(
        name="(run)", op_type="(run)", family="call", precision="fp32", work=0.0, read_bytes=0.0,
        written_bytes=returned, weight_bytes=0.0, m=values,
    )  # fmt: skip


@dataclass(frozen=True)
class Execution:
    """The nodes of one run in order; ``kept`` names the tensors that outlive it: inputs and outputs."""

    nodes: tuple[Node, ...]
    weight_bytes: int
    kept: frozenset[str]
    outputs: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def _merged(operators: list[Operator]) -> tuple[Operator, ...]:
    """Repetitions of one loop-body operator with one shape become a count."""
    counts: dict[Operator, int] = {}
    for operator in operators:
        counts[operator] = counts.get(operator, 0) + 1
    return tuple(_counted(op, count) for op, count in counts.items())


def _counted(operator: Operator, count: int) -> Operator:
    return operator if count == 1 else replace(operator, count=count)
