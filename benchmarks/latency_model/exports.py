"""What this package exports: prefill, step and SoVITS of students pruned out of the reference model's sizes.

Random weights: time does not depend on their values. Quantized forms are written as a bundle's are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from autocompress.models.config import (
    AudioConfig,
    BlockSize,
    GptConfig,
    QuantizerConfig,
    SovitsConfig,
    StyleConfig,
    WaveNetSize,
    halving_vocoder,
)
from autocompress.models.gpt import Gpt
from autocompress.models.onnx import export_graphs
from autocompress.models.sovits.synthesizer import Sovits
from autocompress.transforms.onnx_precision import PrecisionPlan, write_graphs

SIZES = {"capacity": 160, "phonemes": 60, "prompt": 75, "tokens": 100, "2*tokens": 200}
VALUES = {"length": SIZES["capacity"] - 1, "position": SIZES["prompt"]}  # the others may be anything
FILES = {"prefill": "gpt_prefill.onnx", "step": "gpt_step.onnx", "sovits": "sovits.onnx"}
PRECISIONS = {
    "fp32": PrecisionPlan(),
    "int8": PrecisionPlan(storage={"gpt": "int8"}, compute={"gpt": "dynamic-int8"}),
    "int4": PrecisionPlan(storage={"gpt": "int4"}, compute={"gpt": "dynamic-int8"}),
}


@dataclass(frozen=True)
class Student:
    """A pruned model by what pruning changes."""

    name: str
    layers: int
    heads: int
    ffn: int
    channels: int
    couplings: int


STUDENTS = (
    Student("l8-h6-f1152-c256", 8, 6, 1152, 256, 4),
    Student("l5-h4-f640-c160", 5, 4, 640, 160, 3),
    Student("l3-h5-f832-c96", 3, 5, 832, 96, 2),
)


def save_exports(folder: Path) -> Iterator[tuple[str, str, Path, dict[str, tuple[int, ...]]]]:
    """Name, precision, path and input shapes of every exported graph."""
    for student in STUDENTS:
        for precision, plan in PRECISIONS.items():
            written = folder / student.name / precision
            if not (written / "done").is_file():
                write_graphs(_exported(student, folder / student.name / "export"), plan, written)
                _fix_window(written / FILES["sovits"])
                (written / "done").touch()
            for role in FILES if precision == "fp32" else ("prefill", "step"):
                path = written / FILES[role]
                yield f"export-{role}-{student.name}", precision, path, input_shapes(path)


def input_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Every input at the reference workload's lengths."""
    inputs = onnx.load(path, load_external_data=False).graph.input
    return {
        value.name: tuple(
            SIZES[dim.dim_param] if dim.dim_param else dim.dim_value
            for dim in value.type.tensor_type.shape.dim
        )
        for value in inputs
    }


def _fix_window(path: Path) -> None:
    """The vocoder's window as a constant, all of it: its length is a value, and no shape tells it."""
    model = onnx.load(path)
    inputs = {value.name: value for value in model.graph.input}
    model.graph.input.remove(inputs["window"])
    frames = np.array([0, SIZES["2*tokens"]], np.int64)
    model.graph.initializer.append(numpy_helper.from_array(frames, "window"))
    onnx.save(model, path)


def _exported(student: Student, folder: Path) -> dict[str, Path]:
    paths = {role: folder / name for role, name in FILES.items()}
    if all(path.is_file() for path in paths.values()):
        return paths
    torch.manual_seed(0)
    return export_graphs(_gpt(student), _sovits(student), folder, bert=False)


def _gpt(student: Student) -> Gpt:
    blocks = tuple(BlockSize(student.heads, 48, student.ffn) for _ in range(student.layers))
    return Gpt(GptConfig(288, blocks, semantic_vocab=513)).eval().requires_grad_(False)


def _sovits(student: Student) -> Sovits:
    vocoder = halving_vocoder(student.channels, (10, 4, 2, 2, 2), (16, 8, 4, 4, 4))
    config = SovitsConfig.uniform(
        hidden=128, inter=128, gin=256, ffn=512, layers=4, mrte_hidden=256, couplings=student.couplings,
        flow=WaveNetSize(128, 4), posterior=WaveNetSize(128, 8), style=StyleConfig(bins=352),
        quantizer=QuantizerConfig(512, 384), audio=AudioConfig(16000, 1024, 320, 1024), vocoder=vocoder,
    )  # fmt: skip
    return Sovits(config).eval().requires_grad_(False)
