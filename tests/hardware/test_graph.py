"""Any ONNX graph as operators with work and traffic."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from autocompress.errors import ProfileError
from autocompress.hardware.graph import SCALE_BY_COLUMN, read_graph
from tests.hardware import small_graphs as small


def test_a_matrix_product_counts_two_operations_for_each_multiply_add() -> None:
    (operator,) = read_graph(small.linear(rows=4, k=8, n=16)).operators
    assert operator.family == "gemm"
    assert operator.work == 2 * 4 * 8 * 16
    assert (operator.read_bytes, operator.weight_bytes, operator.written_bytes) == (
        4 * 8 * 4,
        8 * 16 * 4,
        4 * 16 * 4,
    )


def test_a_convolution_is_a_product_over_channels_and_taps() -> None:
    (operator,) = read_graph(small.convolution(channels=4, out=6, length=20, taps=3)).operators
    assert (operator.m, operator.k, operator.n, operator.taps) == (20, 12, 6, 3)
    assert operator.work == 2 * 20 * 12 * 6


def test_a_convolution_at_one_position_is_a_kind_of_its_own() -> None:
    families = [read_graph(small.convolution(length=m, taps=1)).operators[0].family for m in (1, 2)]
    assert families == ["conv_point", "conv"]


@pytest.mark.parametrize(
    ("channels", "dilation", "family"),
    [(6, 3, "conv_dilated"), (6, 1, "conv"), (32, 3, "conv")],
)
def test_a_dilated_8_bit_convolution_of_few_channels_is_too(channels, dilation, family) -> None:
    operators = read_graph(small.quantized_convolution(channels, dilation)).operators
    assert [o.family for o in operators if o.family.startswith("conv")] == [family]


def test_a_bound_dimension_scales_the_work() -> None:
    one = read_graph(small.linear(rows="T"), {"x": (1, 8)}).operators[0]
    sixty = read_graph(small.linear(rows="T"), {"x": (60, 8)}).operators[0]
    assert sixty.work == 60 * one.work


def test_open_dimensions_are_listed_with_what_to_do() -> None:
    with pytest.raises(ProfileError, match=r"x=\[T,8\].*--shape NAME=1,60"):
        read_graph(small.linear(rows="T"))


def test_a_shape_for_no_input_or_of_another_rank_is_refused() -> None:
    with pytest.raises(ProfileError, match="inputs of the model are x"):
        read_graph(small.linear(), {"z": (1, 8)})
    with pytest.raises(ProfileError, match="does not fit"):
        read_graph(small.linear(rows="T"), {"x": (1, 9)})


def test_one_symbolic_name_has_one_size_everywhere() -> None:
    node = helper.make_node("Add", ["a", "b"], ["y"])
    model = small.model([node], [small.floats("a", "T"), small.floats("b", "T")], [small.floats("y", "T")])
    (operator,) = read_graph(model, {"a": (7,)}).operators
    assert operator.output_shape == (7,)


def test_weights_stored_narrow_and_computed_wide_count_both_ways() -> None:
    nodes = [
        helper.make_node("Cast", ["h"], ["w"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    stored = small.weight("h", 64, 64, dtype=np.float16)
    graph = read_graph(small.model(nodes, [small.floats("x", 1, 64)], [small.floats("y", 1, 64)], [stored]))
    assert graph.storage_bytes == 64 * 64 * 2
    assert graph.operators[-1].weight_bytes == 64 * 64 * 4


@pytest.mark.parametrize(("scales", "taps"), [(1, 1), (16, SCALE_BY_COLUMN)])
def test_8_bit_weights_tell_whether_their_columns_have_scales_of_their_own(scales, taps) -> None:
    node = helper.make_node("DynamicQuantizeMatMul", ["x", "w", "s"], ["y"], domain="com.microsoft")
    weights = [small.weight("w", 8, 16, dtype=np.int8), small.weight("s", scales)]
    shapes = [small.floats("x", 1, 8)], [small.floats("y", 1, 16)]
    (operator,) = read_graph(small.model([node], *shapes, weights, ["com.microsoft"])).operators
    assert (operator.family, operator.precision, operator.taps) == ("gemm", "int8", taps)


def test_an_unknown_operator_is_named_and_costed_as_its_bytes() -> None:
    graph = read_graph(small.foreign(size=100))
    assert graph.unknown == ("com.acme::Frobnicate",)
    unknown = next(op for op in graph.operators if not op.known)
    assert unknown.bytes == 100 * 4 * 2
    assert len(graph.operators) == 3
    assert any("could not run" in note for note in graph.notes)


def test_a_loop_body_counts_as_often_as_it_runs() -> None:
    tanh = next(op for op in read_graph(small.loop(trips=5)).operators if op.op_type == "Tanh")
    assert tanh.count == 5


def test_only_the_taken_branch_of_an_if_is_costed() -> None:
    def branch(op: str) -> object:
        return helper.make_graph(
            [helper.make_node(op, ["x"], [f"{op}_y"])], op, [], [small.floats(f"{op}_y", 10)]
        )

    node = helper.make_node("If", ["c"], ["y"], then_branch=branch("Exp"), else_branch=branch("Tanh"))
    flag = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    graph = read_graph(small.model([node], [flag, small.floats("x", 10)], [small.floats("y", 10)]))
    assert [op.op_type for op in graph.operators] == ["Exp"]


def test_a_file_that_is_missing_or_no_onnx_is_refused(tmp_path) -> None:
    with pytest.raises(ProfileError, match="no such file"):
        read_graph(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(ProfileError, match="ONNX"):
        read_graph(tmp_path / "text.onnx")


def test_int4_weights_are_read_at_half_a_byte() -> None:
    node = helper.make_node(
        "MatMulNBits",
        ["x", "q", "s"],
        ["y"],
        domain="com.microsoft",
        K=64,
        N=32,
        bits=4,
        block_size=32,
        accuracy_level=4,
    )
    weights = [small.weight("q", 32, 2, 16, dtype=np.uint8), small.weight("s", 64)]
    model = small.model(
        [node], [small.floats("x", 1, 64)], [small.floats("y", 1, 32)], weights, ["com.microsoft"]
    )
    (operator,) = read_graph(model).operators
    assert (operator.family, operator.precision, operator.k, operator.n) == ("gemm", "int4", 64, 32)
    assert operator.weight_bytes == 64 * 32 / 2 + 64 * 4
