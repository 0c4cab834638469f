"""The GPT as parts: what ONNX Runtime executes of prefill and of one step (``models.onnx.gpt_graphs``).

X phonemes, Y prompt tokens, S = X + Y rows.
"""

from collections.abc import Sequence

from autocompress.hardware.graph import Operator
from autocompress.metrics.cost import operators as op
from autocompress.models.config import BlockSize

Operators = tuple[Operator, ...]


def prefill_attention(width: int, block: BlockSize, phonemes: int, prompt: int, precision: str) -> Operators:
    """Self-attention of text over itself, and of the last text row and audio over all up to themselves."""
    rows, inner, audio = phonemes + prompt, block.attention, prompt + 1
    scores = block.heads * audio * rows
    return (
        op.gemm(rows, width, 3 * inner, precision),
        op.copy(3 * rows * inner),
        op.copy(audio * inner),
        *_attend(block, audio, rows),
        op.binary(scores, 2),
        op.reduction(block.heads * audio, rows),
        op.binary(block.heads * audio),
        op.copy(phonemes * inner, 4),
        *_attend(block, phonemes, phonemes),
        op.view(5),
        op.copy(rows * inner),
        *_given_back(rows, inner),
        op.gemm(rows, inner, width, precision),
        *_joined(rows, width),
    )


def last_attention(width: int, block: BlockSize, rows: int, precision: str) -> Operators:
    """The last block: keys and values of all rows, everything else of the last one.

    The two products share one weight and take a slice of it each: graphs are written with it widened.
    """
    inner = block.attention
    return (
        op.gemm(rows, width, 2 * inner),
        op.copy(2 * rows * inner),
        op.copy(width),
        op.gemm(1, width, inner),
        *_attend(block, 1, rows),
        op.view(4),
        *_given_back(rows, inner),
        op.gemm(1, inner, width, precision),
        *_joined(1, width),
    )


def step_attention(width: int, block: BlockSize, cached: int, precision: str) -> Operators:
    """Self-attention of one new position over the cache (GroupQueryAttention, nothing copied)."""
    inner = block.attention
    return (
        op.gemm(1, width, 3 * inner, precision),
        op.copy(3 * inner),
        op.attention(block.heads, inner, 1, cached),
        op.copy(inner),
        op.view(1),
        op.gemm(1, inner, width, precision),
        *_joined(1, width),
    )


def ffn(width: int, inner: int, rank: int | None, rows: int, precision: str) -> Operators:
    """The two matrices of a block, each a product of two when the rank is low; in fp32 Gemm does the ReLU."""
    sizes = [(width, inner), (inner, width)]
    if rank is not None:
        sizes = [(width, rank), (rank, inner), (inner, rank), (rank, width)]
    products = [op.gemm(rows, k, n, precision) for k, n in sizes]
    activation = () if precision == "fp32" else (op.elementwise(rows * inner),)
    return (*products, *activation, *_joined(rows, width))


def prefill_ends(
    width: int, vocabulary: int, bert_width: int, layers: int, phonemes: int, prompt: int
) -> Operators:
    """Embeddings, positions and mask in front, the prediction head behind; ``bert_width`` 0 is no BERT."""
    rows, mask = phonemes + prompt, (prompt + 1) * (phonemes + prompt)
    front = [part for n in (phonemes, prompt) for part in _positions(n, width)]
    text = (op.gemm(phonemes, bert_width, width),) if bert_width else ()
    return (
        *front,
        *text,
        op.binary(phonemes * width),
        op.copy(rows * width, 2),
        op.binary(mask, 2),
        op.elementwise(mask),
        op.copy(rows),
        op.binary(1, 2),
        op.view(17),
        op.gemm(1, width, vocabulary),
        op.call(2 + layers),
    )


def step_ends(width: int, vocabulary: int, layers: int) -> Operators:
    """One embedding in front, the prediction head behind."""
    return (
        *_positions(1, width),
        op.copy(width),
        op.binary(1),
        op.view(5),
        op.gemm(1, width, vocabulary),
        op.call(2 + 2 * layers),
    )


def choosing(vocabulary: int) -> Operators:
    """Between two steps, and before the first: sampling."""
    return (op.choose(vocabulary),)


def _attend(block: BlockSize, queries: int, keys: int) -> Sequence[Operator]:
    """Both products of a softmax, and heads side by side again."""
    head = block.attention // block.heads
    return (
        op.bmm(block.heads, queries, head, keys),
        op.softmax(block.heads * queries, keys),
        op.bmm(block.heads, queries, keys, head),
        op.transpose(queries * block.attention),
    )


def _given_back(rows: int, inner: int) -> Operators:
    """Keys and values as the cache holds them, head by head."""
    return op.transpose(rows * inner, 2), op.view(2)


def _joined(rows: int, width: int) -> Operators:
    """Residual sum and layer normalisation."""
    return op.binary(rows * width), op.norm(rows, width)


def _positions(rows: int, width: int) -> Operators:
    """Embeddings by their number, and the sines that are added to them."""
    half = rows * width // 2
    return (
        op.binary(half),
        op.transcendental(half, 2),
        op.copy(rows * width, 2),
        op.binary(rows * width),
        op.elementwise(rows),
    )
