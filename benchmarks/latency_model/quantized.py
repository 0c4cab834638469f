"""Quantized forms of a graph, by ONNX Runtime's own tools: what a user of the package would ship."""

import logging
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer


class _Noise(CalibrationDataReader):
    def __init__(self, model):
        rng = np.random.default_rng(3)
        shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.input}
        self._left = iter([{k: rng.standard_normal(s).astype(np.float32) for k, s in shapes.items()}] * 2)

    def get_next(self):
        return next(self._left, None)


def save_as(model: onnx.ModelProto, precision: str, path: Path) -> None:
    """Write the model at a precision: dynamic int8 or QDQ for convolutions, int4 in blocks of 32."""
    logging.getLogger().setLevel(logging.ERROR)
    has_conv = any(node.op_type == "Conv" for node in model.graph.node)
    if precision == "fp32":
        onnx.save(model, path)
    elif precision == "int4":
        quantizer = MatMulNBitsQuantizer(model, bits=4, block_size=32, is_symmetric=True, accuracy_level=4)
        quantizer.process()
        quantizer.model.save_model_to_file(str(path))
    elif has_conv:
        source = path.with_suffix(".fp32.onnx")
        onnx.save(model, source)
        settings = {"quant_format": QuantFormat.QDQ, "per_channel": True, "op_types_to_quantize": ["Conv"]}
        quantize_static(
            source,
            path,
            _Noise(model),
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            **settings,
        )
        source.unlink()
    else:
        source = path.with_suffix(".fp32.onnx")
        onnx.save(model, source)
        quantize_dynamic(source, path, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"])
        source.unlink()
