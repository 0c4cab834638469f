"""int4's scales as a byte each: a sign and how many sixteenths of an octave below their tensor's top.

Double quantization (Dettmers et al. 2023, "QLoRA", section 3) with steps by ratio. A scale is then 2.2 % from
its block's own at most, which adds 0.5 % to the energy of int4's rounding in the shipped model; int4 takes
4.25 bits a weight, where scales in fp16 take 4.5. Steps are the same in every tensor: a block's scale depends
on the other blocks by the window alone.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Steps = NDArray[np.int64]

OCTAVE = 16
"""Steps of a factor of two."""
WINDOW = 128
"""Steps that a tensor's scales may have: 8 octaves."""
_LEAST_TOP = -100 * OCTAVE
_BOUNDS = (2.0 ** ((np.arange(OCTAVE) + 0.5) / OCTAVE - 1)).astype(np.float32)
"""Halfway, by ratio, between the steps of an octave, as mantissas from 0.5 to 1."""
_VALUES = (2.0 ** (np.arange(OCTAVE) / OCTAVE)).astype(np.float32)


def steps_of(sizes: NDArray[np.floating[Any]]) -> Steps:
    """log2 in sixteenths, to the nearest; far below every window for zeros.

    Comparisons alone, no logarithm: alike on every machine.
    """
    mantissas, exponents = np.frexp(np.asarray(sizes, np.float32))
    steps = OCTAVE * (exponents.astype(np.int64) - 1) + np.searchsorted(_BOUNDS, mantissas, side="right")
    return np.where(mantissas > 0, steps, 2 * _LEAST_TOP)


def values_of(steps: Steps) -> Floats:
    """2^(steps / 16)."""
    return np.ldexp(_VALUES[steps % OCTAVE], steps // OCTAVE).astype(np.float32)


def top_of(steps: Steps) -> int:
    """The whole octave at or over the largest: where a tensor's window ends."""
    most = max(_LEAST_TOP, int(np.max(steps, initial=_LEAST_TOP)))
    return -(-most // OCTAVE) * OCTAVE


def scale_bytes(scales: Floats) -> tuple[NDArray[np.uint8], float]:
    """The bytes of a tensor's scales, and the power of two that :data:`TABLE` is multiplied by."""
    steps = steps_of(np.abs(scales))
    top = top_of(steps)
    codes = top - steps + WINDOW * (scales < 0)
    return codes.astype(np.uint8), float(2.0 ** (top // OCTAVE))


TABLE = np.concatenate([values_of(-np.arange(WINDOW)), -values_of(-np.arange(WINDOW))])
"""What a byte stands for, in units of the top."""
