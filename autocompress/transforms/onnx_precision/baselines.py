"""What a user would pick instead: onnxruntime's dynamic int8, fp16 storage, or int4 weights, all over."""

from collections.abc import Mapping
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from autocompress.transforms.onnx_precision.plan import PrecisionPlan
from autocompress.transforms.onnx_precision.writing import WrittenGraphs

FP16_STORAGE = PrecisionPlan(storage={"gpt": "fp16", "sovits": "fp16"})
"""As Genie ships GPT-SoVITS: halves in the file, fp32 kernels."""
INT4_WEIGHTS = PrecisionPlan(storage={"gpt": "int4", "sovits": "int4"})


def write_dynamic_int8(graphs: Mapping[str, Path], folder: Path) -> WrittenGraphs:
    """``quantize_dynamic`` with signed weights over every operator that it takes, each graph on its own."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / Path(path).name for name, path in graphs.items()}
    for name, path in paths.items():
        model = onnx.load(str(graphs[name]))
        del model.graph.value_info[:]  # shapes of fused operators contradict the tool's inference
        options = {"DefaultTensorType": onnx.TensorProto.FLOAT}  # behind operators that it cannot infer
        quantize_dynamic(model, str(path), weight_type=QuantType.QInt8, extra_options=options)
    return WrittenGraphs(paths, tuple(paths.values()))
