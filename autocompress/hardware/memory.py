"""Peak working set of a run: every tensor from the node that writes it to the last node that reads it."""

from collections.abc import Iterable, Sequence

from autocompress.hardware.graph import Node, Tensor

# ONNX Runtime hands these the buffer of their input: no copy is made.
_ALIASES = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Dropout"})
# These may write over an input of equal size that nobody reads afterwards.
_IN_PLACE = frozenset(
    {"Relu", "LeakyRelu", "Tanh", "Sigmoid", "Add", "Sub", "Mul", "Div", "Exp", "Sqrt", "Neg", "Abs",
     "Clip", "Erf", "Softmax"}
)  # fmt: skip


def peak_activation_bytes(nodes: Sequence[Node], kept: Iterable[str] = ()) -> int:
    """Largest sum of live tensors over the run; ``kept`` (inputs and outputs) live through all of it.

    Weights are not counted: they live for as long as the session does. Scratch space that a kernel takes for
    itself (an unfolded convolution input) is not visible in a graph and is not counted either.
    """
    last_use = _last_uses(nodes, frozenset(kept))
    live: dict[str, int] = {}
    owner: dict[str, str] = {}
    peak = 0
    for step, node in enumerate(nodes):
        for tensor in _read(node):
            live.setdefault(owner.setdefault(tensor.name, tensor.name), tensor.size_bytes)
        _write(node, step, last_use, live, owner)
        peak = max(peak, sum(live.values()))
        for root in [root for root in live if last_use.get(root, -1) <= step]:
            del live[root]
    return peak


def _read(node: Node) -> list[Tensor]:
    return [tensor for tensor in node.inputs if tensor is not None and not tensor.constant]


def _last_uses(nodes: Sequence[Node], kept: frozenset[str]) -> dict[str, int]:
    """The last step at which each buffer is needed; aliases prolong the life of the buffer they share."""
    root: dict[str, str] = {}
    last: dict[str, int] = {}
    for step, node in enumerate(nodes):
        read = _read(node)
        for tensor in read:
            _prolong(last, root.setdefault(tensor.name, tensor.name), tensor.name, step, kept, len(nodes))
        for tensor in node.outputs:
            shares = node.op_type in _ALIASES and read
            root[tensor.name] = root[read[0].name] if shares else tensor.name
            _prolong(last, root[tensor.name], tensor.name, step, kept, len(nodes))
    return last


def _prolong(last: dict[str, int], root: str, name: str, step: int, kept: frozenset[str], end: int) -> None:
    last[root] = max(last.get(root, -1), end if name in kept else step)


def _write(
    node: Node, step: int, last_use: dict[str, int], live: dict[str, int], owner: dict[str, str]
) -> None:
    read = _read(node)
    for tensor in node.outputs:
        if node.op_type in _ALIASES and read:
            owner[tensor.name] = owner[read[0].name]
            continue
        owner[tensor.name] = tensor.name
        if node.op_type in _IN_PLACE:
            _release_one(read, tensor, step, last_use, live, owner)
        live[tensor.name] = tensor.size_bytes


def _release_one(
    read: list[Tensor],
    out: Tensor,
    step: int,
    last_use: dict[str, int],
    live: dict[str, int],
    owner: dict[str, str],
) -> None:
    for tensor in read:
        buffer = owner[tensor.name]
        if live.get(buffer) == out.size_bytes and last_use.get(buffer, -1) <= step:
            del live[buffer]
            return
