"""The rules of stored precision: closed forms, idempotence, bytes, onnxruntime's own rule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autocompress.transforms import quantize, quantize_int4, quantize_int8
from autocompress.transforms.scale_steps import TABLE, scale_bytes

WEIGHTS = arrays(
    np.float32, st.tuples(st.integers(1, 5), st.integers(1, 70)), elements=st.floats(-8, 8, width=32)
)
STORAGES = ["fp32", "fp16", "int8", "int4"]


@pytest.mark.parametrize("storage", STORAGES)
@settings(deadline=None, max_examples=60)
@given(weight=WEIGHTS)
def test_quantising_twice_gives_the_same_codes_and_scales(storage, weight):
    once = quantize(weight, storage)
    twice = quantize(once.dequantised, storage)
    assert np.array_equal(once.dequantised, twice.dequantised)
    assert np.array_equal(once.scales, twice.scales)


@settings(deadline=None, max_examples=60)
@given(weight=WEIGHTS)
def test_int8_errs_by_half_a_step_at_most(weight):
    coded = quantize_int8(weight)
    step = coded.scales[:, None]
    assert (
        np.abs(coded.dequantised - weight) <= step * 0.5001 + 1e-30
    ).all()  # the scale is rounded to 2^-17


@settings(deadline=None, max_examples=60)
@given(weight=WEIGHTS)
def test_int4_errs_by_one_step_at_most(weight):
    coded = quantize_int4(weight)
    step = np.repeat(np.abs(coded.scales), 32, axis=1)[:, : weight.shape[1]]
    # The positive end is cut at 7 steps, and the largest of a block may lie 2.2 % over its 8.
    assert (np.abs(coded.dequantised - weight) <= step * 1.18).all()


def test_int8_codes_are_those_of_the_closed_form():
    weight = np.array([[-127, 64, 0.4], [0, 0, 0]], np.float32)
    coded = quantize_int8(weight)
    assert coded.codes.tolist() == [[-127, 64, 0], [0, 0, 0]]
    assert coded.scales.tolist() == [1, 1]


def test_int4_maps_the_largest_magnitude_to_minus_eight():
    weight = np.zeros((1, 32), np.float32)
    weight[0, :3] = [4.0, -2.0, 0.25]
    coded = quantize_int4(weight)
    assert coded.scales.tolist() == [[-0.5]]
    assert coded.codes[0, 0, :3].tolist() == [-8, 4, 0]


def test_int4_scales_are_whole_steps_and_a_small_block_has_the_least_of_its_tensor():
    weight = np.zeros((1, 128), np.float32)
    weight[0, 0], weight[0, 32], weight[0, 64] = 8.0, 8 * 2 ** (-3.98 / 16), -8 * 2.0**-20
    coded = quantize_int4(weight)
    least = 2.0 ** (-127 / 16)
    assert np.allclose(coded.scales, [[-1, -(2 ** (-4 / 16)), least, least]], rtol=1e-6, atol=0)
    assert coded.codes[0, :, 0].tolist() == [-8, -8, 0, 0]


@settings(deadline=None, max_examples=60)
@given(weight=WEIGHTS, octave=st.integers(-40, 40))
def test_a_byte_says_int4s_scale_exactly(weight, octave):
    scales = quantize_int4(np.ldexp(weight, octave)).scales
    codes, top = scale_bytes(scales)
    assert np.array_equal(TABLE[codes] * np.float32(top), scales)


def test_int4_follows_onnxruntimes_own_rule_but_for_the_narrower_scale():
    quantizer = pytest.importorskip("onnxruntime.capi._pybind_state").quantize_matmul_4bits
    weight = np.random.default_rng(0).standard_normal((6, 64)).astype(np.float32)
    packed, zeros = np.zeros((6, 2, 16), np.uint8), np.zeros(6, np.uint8)
    scales = np.zeros(12, np.float32)
    quantizer(packed, np.ascontiguousarray(weight.T), scales, zeros, 32, 6, 64, True)
    codes = np.stack((packed & 15, packed >> 4), axis=-1).reshape(6, 2, 32).astype(int) - 8
    coded = quantize_int4(weight)
    assert np.abs(np.log2(coded.scales / scales.reshape(6, 2))).max() <= 1.001 / 32  # half of a step
    assert np.abs(coded.codes - codes).max() <= 1  # a scale rounded by 2 % may move a code at a boundary
    assert (coded.codes != codes).mean() < 0.1


@pytest.mark.parametrize(("storage", "size"), [("fp32", 4800), ("fp16", 2400), ("int8", 1232), ("int4", 680)])
def test_bytes_are_those_of_codes_and_scales(storage, size):
    """8 channels of 150: int4 pads each to 160, at half a byte, with five bytes of scales a channel."""
    coded = quantize(np.ones((8, 50, 3), np.float32), storage)
    assert {"int4": 8 * (80 + 5), "int8": 1200 + 8 * 4}.get(storage, size) == size
    assert coded.size_bytes == size


def test_the_axis_says_which_dimension_has_its_own_scales():
    weight = np.ones((3, 4, 2), np.float32)
    weight[:, 1] = 100
    near = 2.0**-17  # what the scale is rounded to
    assert np.allclose(quantize_int8(weight, axis=1).dequantised, weight, rtol=near, atol=0)
    assert not np.allclose(quantize_int8(weight, axis=0).dequantised, weight, rtol=near, atol=0)  # must fail
