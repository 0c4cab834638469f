"""What whole blocks teach: an operator's time inside a model against its time alone."""

from dataclasses import replace

import numpy as np
import pytest

from autocompress.hardware.blocks import RESIDUAL_PAIRS, Part, Residual, Step, Transformer
from autocompress.hardware.graph import SCALE_BY_COLUMN
from autocompress.hardware.in_situ import fit_factors, shares_of
from autocompress.hardware.operator_fit import Kernel, Shapes, TableModel, fit_table
from autocompress.hardware.operator_table import Row

FAR_BYTES = 40e6
SHAPES = [
    (heads, rows, width, 4 * width, layers)
    for heads, width in ((4, 256), (8, 512), (16, 1024))
    for rows in (1, 60)
    for layers in (1, 4, 12)
]


def alone_s(part: Part, threads: int, footprint_bytes: float) -> float:
    weights = part.batch * part.k * part.n
    return 1e-6 + weights * 4 / 20e9 + 2.0 * part.batch * part.m * part.k * part.n / 1e11


def blocks(inside) -> list[Row]:
    """Blocks whose parts take ``inside(part, footprint)`` times their own time."""
    rows = []
    for shape in SHAPES:
        block = Transformer(*shape, "fp32").parts()
        seconds = sum(
            part.count * alone_s(part, 1, block.footprint_bytes) * inside(part, block.footprint_bytes)
            for part in block.parts
        )
        heads, m, k, n, layers = shape
        rows.append(Row("block_transformer", "fp32", 1, heads, m, k, n, layers, 0, seconds, 0.01))
    return rows


def factor(found, family: str, m: int, footprint_bytes: float, size=(512, 2048)) -> float:
    shares = shares_of(family, m, *size, footprint_bytes)
    return sum(share * found[kind, "fp32", 1] for kind, share in shares)


def test_where_nothing_is_slower_every_factor_is_one():
    found = fit_factors(blocks(lambda part, footprint: 1.0), alone_s)
    assert np.allclose(list(found.values()), 1.0, atol=0.02)


def test_a_block_that_was_disturbed_is_outvoted():
    rows = blocks(lambda part, footprint: 1.0)
    rows[3] = replace(rows[3], seconds=1.8 * rows[3].seconds)
    found = fit_factors(rows, alone_s)
    assert np.allclose(list(found.values()), 1.0, atol=0.1)


def test_products_with_one_row_learn_that_far_weights_are_slow():
    def inside(part: Part, footprint: float) -> float:
        return 1.6 if part.family == "gemm" and part.m == 1 and footprint > FAR_BYTES else 1.0

    found = fit_factors(blocks(inside), alone_s)
    assert factor(found, "gemm", 1, 140e6) == pytest.approx(1.6, abs=0.15)
    assert factor(found, "gemm", 1, 8e6) == pytest.approx(1.0, abs=0.15)
    assert factor(found, "gemm", 60, 140e6) == pytest.approx(1.0, abs=0.15)


def test_small_products_with_one_row_learn_that_they_start_slowly():
    def inside(part: Part, footprint: float) -> float:
        one_row = part.family == "gemm" and part.m == 1
        return float(np.interp(np.log10(part.k * part.n), (5, 6.5), (1.5, 1.0))) if one_row else 1.0

    found = fit_factors(blocks(inside), alone_s)
    assert factor(found, "gemm", 1, 30e6, (256, 256)) == pytest.approx(1.5, abs=0.2)
    assert factor(found, "gemm", 1, 30e6, (1024, 4096)) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("footprint", [1e6, 8e6, 30e6, 79e6, 140e6, 9e9])
def test_shares_of_neighbouring_factors_add_up_to_one(footprint):
    shares = dict(shares_of("gemm", 1, 512, 512, footprint))
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(share >= 0 for share in shares.values())


@pytest.mark.parametrize("values", [1, 4096, 38_880, 128_000, 10_000_000])
def test_the_factor_of_what_lies_between_products_goes_with_its_size_and_not_in_steps(values):
    shares, more = (dict(shares_of("elementwise", 1, 1, n, 1e6)) for n in (values, 1.02 * values))
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(abs(share - more.get(kind, 0.0)) < 0.02 for kind, share in shares.items())
    assert set(shares_of("elementwise", 1, 1, 100, 1e6)) != set(shares_of("elementwise", 1, 1, 1e6, 1e6))


def test_an_operator_that_no_block_holds_keeps_the_time_of_its_own_chain():
    assert shares_of("conv_nchwc", 100, 288, 32, 1e6) == ()


def flat_kernel(family: str) -> Kernel:
    """A kernel with a fitted time that does not matter here."""
    rows = [
        Row(family, "fp32", 1, 2, m, 16, n, 1, 0, 1e-9 * m * n + 1e-6, 0.0) for m in (1, 9) for n in (8, 64)
    ]
    return fit_table(rows).kernels[family, "fp32", 1]


def one(*sizes: float) -> Shapes:
    """One operator: batch, m, k, n, taps, footprint."""
    return Shapes(*(np.array([float(x)]) for x in sizes))


def test_one_position_over_a_cache_costs_what_its_probe_showed_and_more_rows_their_parts():
    kernels = {(family, "fp32", 1): flat_kernel(family) for family in ("bmm", "softmax", "attention")}
    model = TableModel(kernels, (1,))
    by_parts = TableModel({key: kernel for key, kernel in kernels.items() if key[0] != "attention"}, (1,))
    cached, rows = one(4, 1, 64, 50, 1, 1), one(4, 3, 64, 50, 1, 1)
    probe = kernels["attention", "fp32", 1].seconds(cached)[0]
    assert model.seconds("attention", "fp32", 1, cached)[0] == pytest.approx(probe)
    assert model.seconds("attention", "fp32", 1, rows) == by_parts.seconds("attention", "fp32", 1, rows)


def test_a_step_block_holds_the_operators_of_an_exported_step():
    parts = Step(4, 64, 256, 3, "int8").parts().parts
    assert {part.family for part in parts} >= {"gemm", "attention", "norm", "binary", "call"}
    assert sum(part.count for part in parts if part.family == "gemm") == 4 * 3
    assert {part.taps for part in parts if part.family == "gemm"} == {SCALE_BY_COLUMN}


def test_fused_attention_costs_its_two_products_and_its_softmax():
    kernels = {(family, "fp32", 1): flat_kernel(family) for family in ("bmm", "softmax")}
    model = TableModel(kernels, (1,))
    heads, rows, width, keys = 4, 3, 64, 50
    attention = one(heads, rows, width, keys, 1, 1)
    scores = one(heads, rows, width / heads, keys, 1, 1)
    mixed = one(heads, rows, keys, width / heads, 1, 1)
    rowwise = one(1, heads * rows, 1, keys, 1, 1)
    parts = [("bmm", scores), ("bmm", mixed), ("softmax", rowwise)]
    expected = sum(model.seconds(family, "fp32", 1, at)[0] for family, at in parts)
    assert model.seconds("attention", "fp32", 1, attention)[0] == pytest.approx(expected)


@pytest.mark.parametrize(("channels", "dilated"), [(12, 2), (16, 0)])
def test_two_of_the_convolutions_of_a_narrow_8_bit_residual_block_are_dilated(channels, dilated) -> None:
    parts = Residual(400, channels, 7, "int8").parts().parts
    counts = {f: sum(p.count for p in parts if p.family == f) for f in ("conv", "conv_dilated")}
    assert counts == {"conv": 2 * RESIDUAL_PAIRS - dilated, "conv_dilated": dilated}
