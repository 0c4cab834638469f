"""Precision on the real graph: fp32 graphs and a plan → the graphs that are shipped, and a parity gate."""

from autocompress.transforms.onnx_precision.parity import (
    GraphParity,
    ParityCase,
    ParityReport,
    Tolerance,
    check_parity,
    tolerance_for,
)
from autocompress.transforms.onnx_precision.parity_cases import parity_cases
from autocompress.transforms.onnx_precision.plan import COMPUTES, STORAGES, PrecisionPlan
from autocompress.transforms.onnx_precision.shared_file import SHARED_FILE
from autocompress.transforms.onnx_precision.size import predicted_bytes
from autocompress.transforms.onnx_precision.writing import FP16_DEVICE_KEY, WrittenGraphs, write_graphs

__all__ = [
    "COMPUTES",
    "FP16_DEVICE_KEY",
    "SHARED_FILE",
    "STORAGES",
    "GraphParity",
    "ParityCase",
    "ParityReport",
    "PrecisionPlan",
    "Tolerance",
    "WrittenGraphs",
    "check_parity",
    "parity_cases",
    "predicted_bytes",
    "tolerance_for",
    "write_graphs",
]
