"""Costing operators from a table: one footprint for a graph, or one for each operator."""

from typing import cast

import numpy as np

from autocompress.hardware.graph import Operator
from autocompress.hardware.latency import table_seconds
from autocompress.hardware.operator_fit import Shapes, TableModel


class FootprintModel:
    """A table whose seconds are the footprint itself."""

    def seconds(self, family: str, precision: str, threads: int, shapes: Shapes) -> np.ndarray:
        return shapes.footprint


def operators() -> list[Operator]:
    families = ("gemm", "conv", "gemm", "softmax")
    return [Operator(f"op{i}", "MatMul", family, "fp32", 1, 1, 1, 1) for i, family in enumerate(families)]


def test_one_footprint_holds_for_every_operator() -> None:
    seconds = table_seconds(cast(TableModel, FootprintModel()), operators(), 5e6, 1)
    assert seconds.tolist() == [5e6] * 4


def test_each_operator_is_costed_at_its_own_footprint() -> None:
    footprints = np.array([1e6, 2e6, 3e6, 4e6])
    seconds = table_seconds(cast(TableModel, FootprintModel()), operators(), footprints, 1)
    assert seconds.tolist() == footprints.tolist()
