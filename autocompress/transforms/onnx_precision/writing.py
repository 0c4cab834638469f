"""fp32 graphs and a plan → the graphs that are shipped, each weight stored once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from autocompress.transforms.onnx_precision.compute import compute_int8
from autocompress.transforms.onnx_precision.editing import GraphEdit
from autocompress.transforms.onnx_precision.plan import PrecisionPlan
from autocompress.transforms.onnx_precision.roles import Array, Weight, parameters_of, weights_of
from autocompress.transforms.onnx_precision.shared_file import SharedFile, write_files
from autocompress.transforms.onnx_precision.storage import store
from autocompress.transforms.quantizers import is_small, stored_as

SHARING = ("prefill", "step")
"""Graphs of one network: their weights lie in one file beside them."""
FP16_DEVICE_KEY = "autocompress.fp16_device"
"""Metadata of a graph: the roles, comma-separated, that a device should compute in fp16."""


@dataclass(frozen=True)
class WrittenGraphs:
    """``paths`` by graph; ``files`` also has the file of shared weights, all in one folder."""

    paths: Mapping[str, Path]
    files: tuple[Path, ...]

    @property
    def items(self) -> dict[str, int]:
        """Bytes of each file."""
        return {path.name: path.stat().st_size for path in self.files}

    @property
    def size_bytes(self) -> int:
        return sum(self.items.values())


def write_graphs(graphs: Mapping[str, Path], plan: PrecisionPlan, folder: Path) -> WrittenGraphs:
    """Write fp32 ``graphs`` of :func:`export_graphs` into ``folder`` at the precisions of ``plan``.

    Graphs in :data:`SHARING` keep their large tensors in ``gpt_weights.bin``.
    """
    models = apply_plan({name: onnx.load(str(path)) for name, path in graphs.items()}, plan)
    shared = SharedFile()
    shared.take([models[name] for name in SHARING if name in models])
    paths = {name: folder / Path(path).name for name, path in graphs.items()}
    contents = {folder / shared.name: bytes(shared.contents)} if shared.contents else {}
    contents |= {paths[name]: model.SerializeToString(deterministic=True) for name, model in models.items()}
    write_files(contents)
    return WrittenGraphs(paths, tuple(contents))


def apply_plan(models: Mapping[str, onnx.ModelProto], plan: PrecisionPlan) -> dict[str, onnx.ModelProto]:
    """fp32 graphs of one model as the exporter left them, at the precisions of ``plan``."""
    known = {name: value for model in models.values() for name, value in parameters_of(model).items()}
    return {name: _applied(model, plan, known) for name, model in models.items()}


def _applied(model: onnx.ModelProto, plan: PrecisionPlan, known: Mapping[str, Array]) -> onnx.ModelProto:
    edit = GraphEdit(model)
    weights = weights_of(model, known)
    for weight in weights:
        storage = stored_as(plan.storage_of(weight.role), weight.role, weight.value.size)
        users = [node for node in model.graph.node if weight.initializer in node.input]
        small = is_small(weight.role, weight.value.size)
        integer = plan.compute_of(weight.role) == "dynamic-int8" and not small
        if not (integer and compute_int8(edit, weight, storage, users)):
            store(edit, weight, storage)
    applied = edit.applied()
    _mark_fp16_device(applied, weights, plan)
    return applied


def _mark_fp16_device(model: onnx.ModelProto, weights: list[Weight], plan: PrecisionPlan) -> None:
    roles = sorted({weight.role for weight in weights if plan.compute_of(weight.role) == "fp16-device"})
    if roles:
        onnx.helper.set_model_props(model, {FP16_DEVICE_KEY: ",".join(roles)})
