"""A teacher's sizes for a search space; they live beside the sizes, where no torch is needed."""

from autocompress.models.dimensions import gpt_dimensions, sovits_dimensions, teacher_dimensions

__all__ = ["gpt_dimensions", "sovits_dimensions", "teacher_dimensions"]
