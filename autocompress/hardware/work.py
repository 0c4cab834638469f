"""Work and traffic of one node, by operator type: the only place that knows what an operator computes.

Families are kinds of kernels. A type that stands in no table here is costed as its bytes and marked unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

from autocompress.hardware.graph import SCALE_BY_COLUMN, Node, Operator, Tensor, conv_family


@dataclass(frozen=True)
class Product:
    """A matrix product ``batch × [m, k] @ [k, n]``; for an operator on elements, ``m`` rows of ``n``."""

    family: str
    precision: str = "fp32"
    batch: int = 1
    m: int = 1
    k: int = 1
    n: int = 1
    taps: int = 1
    work: float | None = None

    @property
    def operations(self) -> float:
        return 2.0 * self.batch * self.m * self.k * self.n if self.work is None else self.work


def describe(node: Node) -> Operator:
    """The operator that a node is: family, shape as a matrix product, operations and bytes."""
    rule = _RULES.get(node.op_type)
    product = rule(node) if rule and node.outputs else Product("unknown", m=_elements(node), work=0.0)
    weights = sum(t.size_bytes for t in node.inputs if t is not None and t.constant)
    read = sum(t.size_bytes for t in node.inputs if t is not None and not t.constant)
    written = sum(t.size_bytes for t in node.outputs)
    if product.family == "view":
        read = weights = written = 0
    elif node.op_type in _ROWS_OF_A_TABLE:
        read, weights = written, 0
    return Operator(
        name=node.name,
        op_type=node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}::{node.op_type}",
        family=product.family,
        precision=product.precision,
        work=product.operations,
        read_bytes=float(read),
        written_bytes=float(written),
        weight_bytes=float(weights),
        batch=product.batch,
        m=product.m,
        k=product.k,
        n=product.n,
        taps=product.taps,
        known=product.family != "unknown",
        output_shape=node.outputs[0].shape if node.outputs else (),
    )


_ROWS_OF_A_TABLE = frozenset(
    {"Gather", "GatherElements", "GatherND", "Slice", "Split", "EmbedLayerNormalization"}
)


def _elements(node: Node) -> int:
    return max([t.elements for t in node.outputs] or [1])


def _shape(node: Node, position: int) -> tuple[int, ...]:
    tensor = node.inputs[position] if position < len(node.inputs) else None
    return tensor.shape if tensor is not None else ()


def _is_constant(node: Node, position: int) -> bool:
    tensor = node.inputs[position] if position < len(node.inputs) else None
    return tensor is not None and tensor.constant


def _product_of(node: Node, left: int, right: int, precision: str) -> Product:
    """``MatMul`` and its kin: a constant right side is a ``gemm``, two activations are a ``bmm``."""
    a, b, out = _shape(node, left), _shape(node, right), node.outputs[0].shape
    k = a[-2] if len(a) > 1 and node.attributes.get("transA") else (a[-1] if a else 1)
    n = out[-1] if out else 1
    if len(b) <= 2 and _is_constant(node, right):
        return Product("gemm", precision, m=prod(out[:-1]), k=k, n=n)
    m = out[-2] if len(out) > 1 else 1
    return Product("bmm", precision, batch=max(1, prod(out[:-2])), m=m, k=k, n=n)


def _gemm(precision: str, left: int = 0, right: int = 1) -> Callable[[Node], Product]:
    return lambda node: _product_of(node, left, right, precision)


def _quantized_gemm(right: int, scale: int) -> Callable[[Node], Product]:
    """Products of 8-bit weights; with a scale for each column their kernel takes a way of its own."""

    def rule(node: Node) -> Product:
        product = _product_of(node, 0, right, "int8")
        by_column = product.family == "gemm" and prod(_shape(node, scale)) > 1
        return replace(product, taps=SCALE_BY_COLUMN) if by_column else product

    return rule


def _nbits(node: Node) -> Product:
    bits = int(node.attributes.get("bits", 4))
    out = node.outputs[0].shape
    k, n, block = (int(node.attributes[name]) for name in ("K", "N", "block_size"))
    return Product(
        "gemm", "int8_weights" if bits == 8 else f"int{bits}", m=prod(out[:-1]), k=k, n=n, taps=block
    )


def _conv(precision: str, weight: int = 1, family: str = "conv") -> Callable[[Node], Product]:
    def rule(node: Node) -> Product:
        out, w = node.outputs[0].shape, _shape(node, weight)
        groups = int(node.attributes.get("group", 1))
        taps = prod(w[2:])
        channels = max(1, w[0])  # of the output, wherever the layout puts them
        kind = "depthwise" if groups > 1 and groups == channels else family
        images = max(1, out[0]) if out else 1
        m, n = prod(out) // channels // images, max(1, channels // groups)
        if "nchwc" in node.domain:
            kind += "_nchwc"
        elif kind == "conv":
            dilated = any(step > 1 for step in node.attributes.get("dilations", ()))
            kind = conv_family(precision, m, w[1] if len(w) > 1 else 1, dilated=dilated)
        return Product(
            kind, precision, batch=images * groups, m=m, k=w[1] * taps if len(w) > 1 else taps, n=n, taps=taps
        )

    return rule


def _conv_transpose(node: Node) -> Product:
    x, w = _shape(node, 0), _shape(node, 1)
    groups, taps = int(node.attributes.get("group", 1)), prod(w[2:])
    return Product(
        "conv_transpose",
        batch=x[0] * groups,
        m=prod(x[2:]),
        k=max(1, w[0] // groups),
        n=w[1] * taps,
        taps=taps,
    )


def _recurrent(gates: int) -> Callable[[Node], Product]:
    def rule(node: Node) -> Product:
        x, w, r = _shape(node, 0), _shape(node, 1), _shape(node, 2)
        hidden = r[-1] if r and r[-1] != gates * r[-2] else (r[-2] if r else 1)
        directions = w[0] if w else 1
        return Product(
            "recurrent", batch=directions, m=x[0] * x[1], k=x[2] + hidden, n=gates * hidden, taps=x[0]
        )

    return rule


def _attention(node: Node) -> Product:
    """Fused attention over ``Q, K, V`` or a packed input: both products and the softmax between them."""
    out = node.outputs[0].shape
    rows, width = prod(out[:-1]), out[-1]
    keys = max([t.shape[-2] for t in node.inputs if t is not None and len(t.shape) >= 3], default=rows)
    heads = int(node.attributes.get("num_heads", node.attributes.get("q_num_heads", 1)))
    projected = (
        _shape(node, 1) if node.op_type in {"Attention", "QAttention"} and _is_constant(node, 1) else ()
    )
    work = 4.0 * rows * keys * width + 12.0 * rows * keys * heads + 2.0 * rows * prod(projected or (0,))
    return Product("attention", batch=heads, m=rows, k=width, n=keys, work=work)


def _each(family: str, operations: float) -> Callable[[Node], Product]:
    """An operator on elements: ``operations`` for each element of the largest output."""
    return lambda node: Product(family, m=1, n=_elements(node), work=operations * _elements(node))


def _moved(family: str) -> Callable[[Node], Product]:
    """An operator that only moves values; ``n`` counts units of four bytes, whatever the type is."""
    return lambda node: Product(family, n=max(1, sum(t.size_bytes for t in node.outputs) // 4), work=0.0)


def _transpose(node: Node) -> Product:
    """Rows that stay whole are copied; moving the last axis touches every element by itself."""
    shape = _shape(node, 0)
    order = node.attributes.get("perm", tuple(reversed(range(len(shape)))))
    moved = [axis for axis in order if axis < len(shape) and shape[axis] > 1]  # a shape may be unknown
    family = "transpose" if not moved or moved[-1] == len(shape) - 1 else "transpose_last"
    bits = node.outputs[0].element_bits
    return Product(family, "int8" if bits == 8 else "fp32", n=_elements(node), work=0.0)


def _rows(family: str, operations: float) -> Callable[[Node], Product]:
    """An operator on rows: normalisation and softmax over the last axis."""

    def rule(node: Node) -> Product:
        shape = node.outputs[0].shape
        n = shape[-1] if shape else 1
        return Product(family, m=max(1, prod(shape[:-1])), n=n, work=operations * prod(shape))

    return rule


def _over_inputs(family: str) -> Callable[[Node], Product]:
    """A reduction: one operation for each element read."""

    def rule(node: Node) -> Product:
        read = max([t.elements for t in node.inputs if t is not None], default=1)
        return Product(family, m=_elements(node), n=max(1, read // max(1, _elements(node))), work=float(read))

    return rule


def _pool(node: Node) -> Product:
    window = prod(node.attributes.get("kernel_shape", (1,)))
    family = "pool_nchwc" if "nchwc" in node.domain else "pool"
    return Product(family, m=1, n=_elements(node), taps=window, work=float(_elements(node) * window))


def _fourier(node: Node) -> Product:
    """``DFT`` and ``STFT``: 5·n·log2 n for each transformed row of ``n`` points."""
    out = node.outputs[0].shape
    points = max(2, 2 * (out[-2] - 1) if len(out) > 1 else 2)
    rows = max(1, prod(out[:-2]))
    return Product("fourier", m=rows, n=points, work=5.0 * rows * points * (points.bit_length() - 1))


_VIEWS = """
    Reshape Squeeze Unsqueeze Flatten Identity Dropout Shape Size Constant ConstantOfShape Range NonZero
    Optional
"""
_COPIES = """
    Concat Slice Split Gather GatherElements GatherND Pad Expand Tile ReorderInput ReorderOutput
    DepthToSpace SpaceToDepth ScatterElements ScatterND Scatter ReverseSequence EyeLike Trilu OneHot
    Compress
"""
_CHEAP = """
    Relu LeakyRelu PRelu Clip Neg Abs Floor Ceil Round Sign Not Cast CastLike IsNaN IsInf HardSigmoid
    HardSwish ThresholdedRelu
"""
_BINARY = """
    Add Sub Mul Div Max Min Mod Sum Mean Equal Less Greater LessOrEqual GreaterOrEqual And Or Xor Where
    BitShift
"""
_SLOW = """
    Exp Log Tanh Sigmoid Erf Gelu FastGelu QuickGelu BiasGelu Pow Sqrt Reciprocal Sin Cos Tan Atan
    Softplus Softsign Elu Selu Celu Mish Swish Silu Sinh Cosh Asin Acos Atan2 RandomNormal
    RandomNormalLike RandomUniform RandomUniformLike
"""
_SKIP_NORMS = """
    SkipLayerNormalization SkipSimplifiedLayerNormalization EmbedLayerNormalization SkipGroupNorm
"""
_NORMS = """
    LayerNormalization SimplifiedLayerNormalization
    RMSNormalization InstanceNormalization
    GroupNormalization BatchNormalization LRN LpNormalization MeanVarianceNormalization GroupNorm
    """
_REDUCTIONS = """
    ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSumExp
    ReduceSumSquare ReduceLogSum ArgMax ArgMin CumSum TopK GlobalAveragePool GlobalMaxPool Unique
"""


def _every(names: str, rule: Callable[[Node], Product]) -> dict[str, Callable[[Node], Product]]:
    return dict.fromkeys(names.split(), rule)


_RULES: dict[str, Callable[[Node], Product]] = {
    **_every("MatMul Gemm FusedMatMul FusedGemm TransposeMatMul FusedMatMulActivation", _gemm("fp32")),
    **_every("MatMulInteger MatMulInteger16", _gemm("int8")),
    "DynamicQuantizeMatMul": _quantized_gemm(1, 2),
    "MatMulIntegerToFloat": _quantized_gemm(1, 3),
    **_every("QLinearMatMul QGemm", _quantized_gemm(3, 4)),
    "MatMulNBits": _nbits,
    "MatMulFpQ4": _gemm("int4"),
    "Einsum": lambda node: _einsum(node),
    **_every("Conv FusedConv NhwcFusedConv", _conv("fp32")),
    "ConvInteger": _conv("int8_dynamic"),
    "QLinearConv": _conv("int8", 3),
    "ConvTranspose": _conv_transpose,
    "LSTM": _recurrent(4),
    "DynamicQuantizeLSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "RNN": _recurrent(1),
    **_every(
        "Attention MultiHeadAttention GroupQueryAttention QAttention DecoderMaskedMultiHeadAttention",
        _attention,
    ),
    **_every("Softmax LogSoftmax Hardmax", _rows("softmax", 12.0)),
    **_every(_NORMS, _rows("norm", 8.0)),
    **_every(_SKIP_NORMS, _rows("skip_norm", 9.0)),
    **_every(_VIEWS, lambda _node: Product("view", work=0.0)),
    **_every(_COPIES, _moved("copy")),
    "Transpose": _transpose,
    **_every("Resize Upsample GridSample", _each("transpose_last", 0.0)),
    **_every(_CHEAP, _each("elementwise", 1.0)),
    **_every(_BINARY, _each("binary", 1.0)),
    **_every(_SLOW, _each("transcendental", 20.0)),
    **_every(_REDUCTIONS, _over_inputs("reduce")),
    **_every("MaxPool AveragePool LpPool QLinearAveragePool", _pool),
    **_every("QLinearSigmoid QLinearLeakyRelu QLinearSoftmax", _each("lookup", 1.0)),
    **_every("QLinearAdd QLinearMul QLinearConcat", _each("qlinear", 1.0)),
    **_every("QuantizeLinear DequantizeLinear", _each("quantize", 2.0)),
    "DynamicQuantizeLinear": _each("quantize_dynamic", 4.0),
    **_every("DFT STFT", _fourier),
}


def _einsum(node: Node) -> Product:
    """Operations of an einsum: the product of the sizes of all its indices."""
    equation = node.attributes["equation"].decode().replace(" ", "")
    sizes: dict[str, int] = {}
    for term, tensor in zip(equation.split("->")[0].split(","), node.inputs, strict=False):
        sizes |= dict(
            zip(term.replace("...", ""), tensor.shape if isinstance(tensor, Tensor) else (), strict=False)
        )
    out = node.outputs[0].shape
    total = max(prod(sizes.values()), _elements(node))
    return Product(
        "bmm",
        m=_elements(node) // max(1, out[-1] if out else 1),
        k=total // _elements(node),
        n=out[-1] if out else 1,
    )
