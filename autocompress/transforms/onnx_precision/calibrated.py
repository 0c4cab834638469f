"""Static int8 convolutions (QDQ), with ranges calibrated on given batches by onnxruntime's own tool.

For experiments: the search space leaves flow and vocoder out of it, since rounded activations hiss there.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from autocompress.transforms.onnx_precision.roles import Array, weights_of

Feeds = Mapping[str, Array]
_METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}


def calibrate_convolutions(
    graph: Path, output: Path, roles: Iterable[str], batches: Iterable[Feeds], *, method: str = "minmax"
) -> tuple[str, ...]:
    """Write ``graph`` with the convolutions of ``roles`` in static int8; returns the names of those nodes.

    ``batches``: inputs of the graph, from real speech. Weights have a scale for each output channel,
    activations one; transposed convolutions stay as they are, for there is no int8 kernel.
    """
    model = onnx.load(str(graph))
    wanted = set(roles)
    chosen = {w.initializer for w in weights_of(model) if w.op_type == "Conv" and w.role in wanted}
    nodes = [node.name for node in model.graph.node if len(node.input) > 1 and node.input[1] in chosen]
    with tempfile.TemporaryDirectory() as scratch:
        bare = Path(scratch) / "graph.onnx"
        onnx.save(model, str(bare))
        quantize_static(
            str(bare), str(output), _Batches(iter(batches)), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, nodes_to_quantize=nodes,
            calibrate_method=_METHODS[method],
        )  # fmt: skip
    return tuple(nodes)


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, batches: Iterator[Feeds]) -> None:
        self._batches = batches

    def get_next(self) -> dict[str, Array] | None:
        feeds = next(self._batches, None)
        return None if feeds is None else dict(feeds)
