"""The GPT as parts: what prefill and one step execute, block by block (``models.onnx.gpt_graphs``)."""

from collections.abc import Sequence

from autocompress.hardware.graph import Operator
from autocompress.metrics.cost import operators as op
from autocompress.models.config import BlockSize

Operators = tuple[Operator, ...]


def prefill_attention(width: int, block: BlockSize, queries: int, rows: int, precision: str) -> Operators:
    """Self-attention of ``queries`` positions over all ``rows`` (MultiHeadAttention)."""
    inner = block.attention
    shapes = (
        [(rows, width, 3 * inner)] if queries == rows else [(queries, width, inner), (rows, width, 2 * inner)]
    )
    products = [part for m, k, n in shapes for part in _gemm(m, k, n, precision)]
    return (
        *products,
        op.copy(3 * rows * inner),
        op.view(4),
        op.attention(block.heads, inner, queries, rows),
        *_gemm(queries, inner, width, precision),
        *_joined(queries, width),
    )


def step_attention(width: int, block: BlockSize, cached: int, precision: str) -> Operators:
    """Self-attention of one new position over the cache (GroupQueryAttention, nothing copied)."""
    inner = block.attention
    return (
        *_gemm(1, width, 3 * inner, precision),
        op.copy(3 * inner),
        op.view(4),
        op.attention(block.heads, inner, 1, cached),
        *_gemm(1, inner, width, precision),
        *_joined(1, width),
    )


def ffn(width: int, inner: int, rank: int | None, rows: int, precision: str) -> Operators:
    """The two matrices of a block, each a product of two when the rank is low."""
    sizes = [(width, inner), (inner, width)]
    if rank is not None:
        sizes = [(width, rank), (rank, inner), (inner, rank), (rank, width)]
    products = [part for k, n in sizes for part in _gemm(rows, k, n, precision)]
    return (*products, op.elementwise(rows * inner), op.view(4), *_joined(rows, width))


def prefill_ends(
    width: int, vocabulary: int, bert_width: int, layers: int, phonemes: int, prompt: int
) -> Operators:
    """Embeddings, positions and mask in front, the prediction head behind; ``bert_width`` 0 is no BERT."""
    rows = phonemes + prompt
    front = [part for n in (phonemes, prompt) for part in _positions(n, width)]
    projection = (op.gemm(phonemes, bert_width, width),) if bert_width else ()
    mask = (op.binary(rows * rows, 4), op.view(40))
    head = op.gemm(1, width, vocabulary)
    return (*front, *projection, op.copy(rows * width), *mask, head, op.call(4 + 2 * layers))


def step_ends(width: int, vocabulary: int, layers: int) -> Operators:
    """One embedding in front, the prediction head behind."""
    return (*_positions(1, width), op.view(10), op.gemm(1, width, vocabulary), op.call(4 + 2 * layers))


def _gemm(m: int, k: int, n: int, precision: str) -> Sequence[Operator]:
    product = op.gemm(m, k, n, precision)
    return (op.quantize(m * k), product) if precision == "int8" else (product,)


def _joined(rows: int, width: int) -> Operators:
    """Residual sum and layer normalisation; ONNX Runtime fuses them where there are several rows."""
    if rows > 1:
        return (op.norm(rows, width, skip=True),)
    return (op.binary(width), op.norm(1, width))


def _positions(rows: int, width: int) -> Operators:
    half = rows * width // 2
    return (
        op.binary(half),
        op.transcendental(half, 2),
        op.copy(rows * width, 2),
        op.binary(rows * width, 2),
    )
