"""Operators as numpy columns, so that ten thousand candidates are costed in one call."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Codes = NDArray[np.int64]

# How a kernel uses the machine. Families that only move data share one efficiency.
FAMILIES = ("conv", "conv_transpose", "depthwise", "gemm", "gemv", "move")
CONV, CONV_TRANSPOSE, DEPTHWISE, GEMM, GEMV, MOVE = range(len(FAMILIES))
_FAMILY_CODES = {
    "conv": CONV, "conv_point": CONV, "conv_dilated": CONV, "conv_nchwc": CONV,
    "conv_transpose": CONV_TRANSPOSE,
    "depthwise": DEPTHWISE, "depthwise_nchwc": DEPTHWISE,
    "gemm": GEMM, "bmm": GEMM, "matmul": GEMM, "attention": GEMM, "recurrent": GEMM,
}  # fmt: skip

# int8: both sides quantised ahead; int8_dynamic: the activation quantised on the way;
# int8_weights and int4: weights stored so, widened inside the kernel, computed in fp32.
PRECISIONS = ("fp32", "fp16", "bf16", "int8", "int8_dynamic", "int8_weights", "int4")


class OperatorLike(Protocol):
    """What an operator must say about itself (``graph.Operator`` does)."""

    @property
    def family(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def work(self) -> float: ...
    @property
    def bytes(self) -> float: ...
    @property
    def weight_bytes(self) -> float: ...
    @property
    def m(self) -> int: ...
    @property
    def k(self) -> int: ...
    @property
    def n(self) -> int: ...
    @property
    def count(self) -> int: ...


@dataclass(frozen=True)
class OperatorColumns:
    """One row an operator, every column [rows]; ``m × k × n`` is its shape as a matrix product."""

    family: Codes
    precision: Codes  # index into PRECISIONS
    work: Column  # operations; a multiply-add is two
    bytes: Column
    weight_bytes: Column
    m: Column
    k: Column
    n: Column
    count: Column

    @classmethod
    def of(cls, operators: Sequence[OperatorLike]) -> "OperatorColumns":
        """Columns of a list of operators; a matrix product with one row is a GEMV."""

        def column(name: str) -> Column:
            return np.array([getattr(op, name) for op in operators], dtype=np.float64)

        codes = np.array([family_code(op.family, op.m) for op in operators], dtype=np.int64)
        precision = np.array([precision_code(op.precision) for op in operators], dtype=np.int64)
        numbers = {f.name: column(f.name) for f in fields(cls) if f.name not in ("family", "precision")}
        return cls(family=codes, precision=precision, **numbers)

    def __len__(self) -> int:
        return len(self.work)


def family_code(family: str, m: float) -> int:
    """The code of a family name; whatever is not a product of matrices moves data."""
    code = _FAMILY_CODES.get(family, MOVE)
    return GEMV if code == GEMM and m <= 1 else code


def precision_code(precision: str) -> int:
    """The code of a precision; a whole-number width that is not listed is weights-only, like int4."""
    if precision in PRECISIONS:
        return PRECISIONS.index(precision)
    return PRECISIONS.index("int4" if precision.startswith("int") else "fp32")
