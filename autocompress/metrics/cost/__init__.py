"""What a candidate costs, counted from sizes alone: no weights, no export, no torch."""

from autocompress.metrics.cost.model import CandidateCost, CostModel
from autocompress.metrics.cost.student_sizes import StudentSizes, student_sizes
from autocompress.metrics.cost.workload import REFERENCE_WORKLOAD, SpeechWorkload

__all__ = [
    "REFERENCE_WORKLOAD",
    "CandidateCost",
    "CostModel",
    "SpeechWorkload",
    "StudentSizes",
    "student_sizes",
]
