"""Candidates made real: ``materialize(teacher, candidate) -> Student``, one technique a file."""

from autocompress.transforms.calibration import GptBatch, SovitsBatch, gpt_calibration, sovits_calibration
from autocompress.transforms.dimensions import teacher_dimensions
from autocompress.transforms.importance import (
    CRITERIA,
    Importance,
    gpt_importance,
    sovits_importance,
)
from autocompress.transforms.materialize import (
    Calibration,
    gpt_part,
    materialize,
    materialize_gpt,
    materialize_sovits,
    sovits_part,
    student_configs,
)
from autocompress.transforms.quantizers import (
    Quantized,
    quantize,
    quantize_int4,
    quantize_int8,
)
from autocompress.transforms.storage import StoredTensor
from autocompress.transforms.student import GptHalf, SovitsHalf, Student

__all__ = [
    "CRITERIA",
    "Calibration",
    "GptBatch",
    "GptHalf",
    "Importance",
    "Quantized",
    "SovitsBatch",
    "SovitsHalf",
    "StoredTensor",
    "Student",
    "gpt_calibration",
    "gpt_importance",
    "gpt_part",
    "materialize",
    "materialize_gpt",
    "materialize_sovits",
    "quantize",
    "quantize_int4",
    "quantize_int8",
    "sovits_calibration",
    "sovits_importance",
    "sovits_part",
    "student_configs",
    "teacher_dimensions",
]
