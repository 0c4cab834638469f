"""Blocks of speech models whose parts are known: they show what operators cost in the company of others.

An operator in a chain of its kind finds its code, its threads and its data warm. Inside a model it does not.
So the profiler times whole blocks too, and the fit compares each with the sum of its parts (:mod:`.in_situ`).
A block is a row of the operator table: ``block_transformer`` and ``block_step`` have ``batch`` heads, ``m``
rows, ``k`` width, ``n`` inner width, ``taps`` layers; ``block_residual`` has ``m`` positions, ``n`` channels,
``taps`` taps.
"""

from collections.abc import Callable
from dataclasses import dataclass

from autocompress.hardware.graph import SCALE_BY_COLUMN, conv_family

PAST = 150  # cached positions of a block with one row
RESIDUAL_PAIRS = 3
WEIGHT_BYTES = {"fp32": 4.0, "int8": 1.0, "int8_weights": 1.0, "int4": 0.625}


@dataclass(frozen=True)
class Part:
    """Operators of a block that are alike; coordinates as in the operator table."""

    family: str
    precision: str = "fp32"
    batch: int = 1
    m: int = 1
    k: int = 1
    n: int = 1
    taps: int = 1
    count: int = 1


@dataclass(frozen=True)
class Block:
    """A block by its sizes; ``footprint_bytes`` is what one run of it touches."""

    parts: tuple[Part, ...]
    footprint_bytes: float


@dataclass(frozen=True)
class Transformer:
    """Post-norm layers; with one row a decode step whose cache of ``PAST`` positions is copied to grow."""

    heads: int
    rows: int
    width: int
    inner: int
    layers: int
    precision: str

    @property
    def past(self) -> int:
        return PAST if self.rows == 1 else 0

    @property
    def block(self) -> int:
        """Weights that share a scale; the operator table keeps it under ``taps``."""
        return 32 if self.precision == "int4" else 1

    def parts(self) -> Block:
        rows, width, inner, layers = self.rows, self.width, self.inner, self.layers
        keys, head = rows + self.past, width // self.heads
        products = [(width, 3 * width), (width, width), (width, inner), (inner, width)]
        parts = [
            *(
                Part("gemm", self.precision, m=rows, k=k, n=n, taps=self.block, count=layers)
                for k, n in products
            ),
            Part("copy", n=3 * rows * width, count=layers),
            Part("view", count=8 * layers),
            Part("transpose", n=rows * width, count=2 * layers),
            Part("transpose", n=keys * width, count=layers),
            Part("transpose_last", n=keys * width, count=layers),
            Part("bmm", batch=self.heads, m=rows, k=head, n=keys, count=layers),
            Part("bmm", batch=self.heads, m=rows, k=keys, n=head, count=layers),
            Part("softmax", m=self.heads * rows, n=keys, count=layers),
            Part("skip_norm", m=rows, n=width, count=2 * layers),
            Part("elementwise", n=rows * inner, count=layers),
            Part("call", m=1 + 2 * layers if self.past else 1),
        ]
        if self.past:
            parts.append(Part("cache", n=keys * width, count=2 * layers))
        weights = layers * sum(k * n for k, n in products) * WEIGHT_BYTES[self.precision]
        return Block(tuple(parts), weights + 16.0 * layers * self.past * width + 8.0 * rows * inner)


@dataclass(frozen=True)
class Step:
    """A decode step as this package exports it: the cache of ``PAST`` positions stays where it is.

    Sum and normalisation are two operators, and columns of 8-bit weights have each a scale of their own.
    """

    heads: int
    width: int
    inner: int
    layers: int
    precision: str

    def parts(self) -> Block:
        width, inner, layers = self.width, self.inner, self.layers
        products = [(width, 3 * width), (width, width), (width, inner), (inner, width)]
        shared = {"int4": 32, "int8": SCALE_BY_COLUMN}.get(self.precision, 1)
        parts = [
            *(Part("gemm", self.precision, k=k, n=n, taps=shared, count=layers) for k, n in products),
            Part("copy", n=3 * width, count=layers),
            Part("view", count=2 * layers),
            Part("attention", batch=self.heads, k=width, n=PAST + 1, count=layers),
            Part("binary", n=width, count=2 * layers),
            Part("norm", n=width, count=2 * layers),
            Part("elementwise", n=inner, count=layers),
            Part("call", m=1 + 2 * layers),
        ]
        weights = layers * sum(k * n for k, n in products) * WEIGHT_BYTES[self.precision]
        return Block(tuple(parts), weights + 8.0 * layers * (PAST + 1) * width)


@dataclass(frozen=True)
class Residual:
    """Pairs of convolutions with activations and sums, the first of each dilated, as in HiFi-GAN."""

    positions: int
    channels: int
    taps: int
    precision: str

    def parts(self) -> Block:
        values, pairs = self.positions * self.channels, RESIDUAL_PAIRS
        size = {"m": self.positions, "k": self.channels * self.taps, "n": self.channels, "taps": self.taps}
        dilated = conv_family(self.precision, self.positions, self.channels, dilated=True)
        convs = [
            Part("conv", self.precision, **size, count=pairs + 1),
            Part(dilated, self.precision, **size, count=pairs - 1),
        ]
        is_int8 = self.precision == "int8"  # then the second activation of a pair is looked up
        parts = [
            *convs,
            Part("elementwise", n=values, count=pairs if is_int8 else 2 * pairs),
            Part("binary", n=values, count=pairs),
            Part("call"),
        ]
        if is_int8:
            parts += [
                Part("transpose_last", "int8", n=values, count=2 * pairs),
                Part("quantize", n=values, count=2 * pairs),
                Part("lookup", n=values, count=pairs),
            ]
        weights = 2.0 * pairs * self.channels**2 * self.taps * WEIGHT_BYTES[self.precision]
        return Block(tuple(parts), weights + 12.0 * values)


_READERS: dict[str, Callable[[int, int, int, int, int, str], "Transformer | Step | Residual"]] = {
    "block_transformer": lambda batch, m, k, n, taps, precision: Transformer(batch, m, k, n, taps, precision),
    "block_step": lambda batch, _m, k, n, taps, precision: Step(batch, k, n, taps, precision),
    "block_residual": lambda _batch, m, _k, n, taps, precision: Residual(m, n, taps, precision),
}


def is_block(family: str) -> bool:
    """Whether a row of the table is a whole block."""
    return family in _READERS


def block_at(
    family: str, batch: int, m: int, k: int, n: int, taps: int, precision: str
) -> "Transformer | Step | Residual":
    """The block that a row of the table stands for."""
    return _READERS[family](batch, m, k, n, taps, precision)
