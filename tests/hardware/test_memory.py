"""Peak working set from tensor lifetimes."""

from autocompress.hardware.graph import Node, Tensor
from autocompress.hardware.memory import peak_activation_bytes


def node(op: str, reads: list[str], writes: str, elements: int = 100) -> Node:
    tensors = tuple(Tensor(name, (elements,)) for name in reads)
    return Node(op, op, "", tensors, (Tensor(writes, (elements,)),))


def test_a_chain_needs_the_input_and_the_output_of_one_operator() -> None:
    nodes = [node("MaxPool", ["x"], "a"), node("MaxPool", ["a"], "b"), node("MaxPool", ["b"], "y")]
    assert peak_activation_bytes(nodes) == 2 * 400


def test_a_skip_connection_lives_until_it_is_added() -> None:
    nodes = [node("MaxPool", ["x"], "a"), node("MaxPool", ["a"], "b"), node("MatMul", ["b", "x"], "y")]
    assert peak_activation_bytes(nodes) == 3 * 400


def test_what_is_kept_is_never_freed() -> None:
    nodes = [node("MaxPool", ["x"], "a"), node("MaxPool", ["a"], "b"), node("MaxPool", ["b"], "y")]
    assert peak_activation_bytes(nodes, {"x", "y"}) == 3 * 400


def test_a_reshape_makes_no_copy_and_keeps_its_source_alive() -> None:
    nodes = [node("Reshape", ["x"], "a"), node("MaxPool", ["a"], "b"), node("MatMul", ["b", "a"], "y")]
    assert peak_activation_bytes(nodes) == 3 * 400


def test_an_activation_function_works_in_place_only_when_nobody_reads_its_input_later() -> None:
    alone = [node("MaxPool", ["x"], "a"), node("Relu", ["a"], "b")]
    assert peak_activation_bytes(alone) == 2 * 400
    shared = [*alone, node("MatMul", ["a", "b"], "y")]
    assert peak_activation_bytes(shared) == 3 * 400


def test_constants_are_not_activations() -> None:
    weight = Tensor("w", (1000,), constant=True)
    one = Node("m", "MatMul", "", (Tensor("x", (10,)), weight), (Tensor("y", (10,)),))
    assert peak_activation_bytes([one]) == 80
