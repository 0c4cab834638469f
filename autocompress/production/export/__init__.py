"""Exporters behind one interface; each has its conformance test (``tests/production/test_exporters.py``)."""

from collections.abc import Mapping

from autocompress.production.export.exporter import Exported, Exporter, Unsupported
from autocompress.production.export.onnx_files import OnnxExporter
from autocompress.production.export.ort_format import OPERATORS_FILE, OrtFormatExporter

EXPORTERS: Mapping[str, type[Exporter]] = {"onnx": OnnxExporter, "ort": OrtFormatExporter}

__all__ = [
    "EXPORTERS",
    "OPERATORS_FILE",
    "Exported",
    "Exporter",
    "OnnxExporter",
    "OrtFormatExporter",
    "Unsupported",
]
