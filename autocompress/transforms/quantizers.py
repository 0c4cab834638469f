"""The rules of stored precision, on numpy arrays: codes, scales, what they give back, and their bytes.

One place for both sides: the PyTorch students and the exported graphs are rounded by these functions, bit for
bit. Every rule is idempotent: what was dequantised gives the same codes and scales again.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autocompress.transforms.scale_steps import WINDOW, Floats, steps_of, top_of, values_of

INT4_BLOCK = 32
SMALL_WEIGHTS = 4096
"""Matrices of the vocoder below this many weights are no integers: they are the ones behind the waveform."""
_FP16_TOP = np.float32(65504)
_INT4_SCALE_BYTES = 1
_SCALE_BITS = 17  # a 7-bit code times a scale of 17 significant bits is exact in float32's 24
_INT8_SCALE_BYTES = 4
_TINY = np.float32(1e-30)  # a channel below it is silent: its scale would be subnormal


@dataclass(frozen=True, eq=False)
class Quantized:
    """``dequantised`` has the weight's own shape; ``size_bytes`` counts packed codes and scales."""

    storage: str
    codes: NDArray[Any] = field(repr=False)
    scales: Floats = field(repr=False)
    dequantised: Floats = field(repr=False)
    size_bytes: int


def is_small(role: str, numbers: int) -> bool:
    """Whether a matrix is left out of its role's integers.

    A vocoder's last convolutions have few weights and run at the full sample rate. Stored as int8, the 56 of
    the very last one raised the reference model's silence floor by 1.9 dB; without small ones it rises by 0.0
    (int4: 0.3 instead of 7.7).
    """
    return role == "sovits.vocoder" and numbers < SMALL_WEIGHTS


def stored_as(storage: str, role: str, numbers: int) -> str:
    """What a matrix of so many weights is stored as, where its role is stored as ``storage``."""
    return "fp16" if storage in ("int8", "int4") and is_small(role, numbers) else storage


def quantize(weight: Floats, storage: str, axis: int = 0) -> Quantized:
    """``weight`` stored as fp32, fp16, int8 or int4; ``axis`` is its output channel."""
    if storage == "int8":
        return quantize_int8(weight, axis)
    if storage == "int4":
        return quantize_int4(weight, axis=axis)
    codes = weight if storage == "fp32" else np.clip(weight, -_FP16_TOP, _FP16_TOP).astype(np.float16)
    return Quantized(storage, codes, np.ones(0, np.float32), codes.astype(np.float32), codes.nbytes)


def quantize_int8(weight: Floats, axis: int = 0) -> Quantized:
    """Symmetric, one scale a channel of ``axis``: codes int8 of the weight's shape, scales [channels].

    scale = max |w| / 127, rounded to 17 significant bits; a channel of zeros has scale 1.
    """
    rows = _rows(weight, axis)
    scales = _rounded_scale(np.abs(rows).max(axis=1, initial=0.0) / np.float32(127))
    codes = np.clip(np.rint(rows / scales[:, None]), -127, 127).astype(np.int8)
    back = codes.astype(np.float32) * scales[:, None]
    size = codes.size + _INT8_SCALE_BYTES * scales.size
    return Quantized("int8", _unrows(codes, weight, axis), scales, _unrows(back, weight, axis), size)


def quantize_int4(weight: Floats, block: int = INT4_BLOCK, axis: int = 0) -> Quantized:
    """Symmetric, one scale a ``block`` of consecutive weights of a channel, codes −8..7.

    scale = −w / 8 at the w of largest magnitude, as onnxruntime's MatMulNBits quantizer has it, moved to the
    nearest of ``scale_steps``. codes int8 [channels, blocks, block] (the last block padded with zeros),
    scales [channels, blocks].
    """
    rows = _rows(weight, axis)
    short = -rows.shape[1] % block
    blocks = np.pad(rows, ((0, 0), (0, short))).reshape(len(rows), -1, block)
    scales, _, _ = int4_scales(blocks, int4_top(rows))
    codes = np.clip(np.rint(blocks / scales[..., None]), -8, 7).astype(np.int8)
    back = (codes.astype(np.float32) * scales[..., None]).reshape(len(rows), -1)[:, : rows.shape[1]]
    size = codes.size // 2 + _INT4_SCALE_BYTES * scales.size
    return Quantized("int4", codes, scales, _unrows(back, weight, axis), size)


def int4_top(weight: Floats) -> int:
    """Where the window of a whole tensor's scales ends, in steps."""
    return top_of(steps_of(np.abs(weight).max(initial=0.0) / np.float32(8)))


def int4_scales(blocks: Floats, top: int) -> tuple[Floats, NDArray[np.intp], NDArray[np.bool_]]:
    """Scales [...] of blocks [..., block], the place of the weight that each comes from, if there is one.

    A block below the window of ``top``, one of zeros for instance, has the window's least scale.
    """
    place = np.abs(blocks).argmax(axis=-1)
    extremes = np.take_along_axis(blocks, place[..., None], axis=-1)[..., 0]
    steps = steps_of(np.abs(extremes) / np.float32(8))
    found = steps > top - WINDOW
    scales = values_of(np.clip(steps, top - WINDOW + 1, top))
    return np.where(found & (extremes > 0), -scales, scales), place, found


def _rounded_scale(scales: Floats) -> Floats:
    mantissa, exponent = np.frexp(scales)
    kept = np.rint(np.ldexp(mantissa, _SCALE_BITS))
    rounded = np.ldexp(kept, exponent - _SCALE_BITS).astype(np.float32)
    return np.where(scales > _TINY, rounded, np.float32(1)).astype(np.float32)


def _rows(weight: Floats, axis: int) -> Floats:
    moved = np.moveaxis(np.asarray(weight, np.float32), axis, 0)
    return np.ascontiguousarray(moved.reshape(len(moved), -1))


def _unrows(rows: NDArray[Any], weight: Floats, axis: int) -> NDArray[Any]:
    shape = np.moveaxis(weight, axis, 0).shape
    return np.ascontiguousarray(np.moveaxis(rows.reshape(shape), 0, axis))
