"""The GPT as parts: what prefill and one step execute, block by block (``models.onnx.gpt_graphs``)."""

from collections.abc import Sequence

from autocompress.hardware.graph import Operator
from autocompress.metrics.cost import operators as op
from autocompress.metrics.cost.workload import SpeechWorkload
from autocompress.models.config import BlockSize, GptConfig

Operators = tuple[Operator, ...]


def prefill_attention(width: int, block: BlockSize, rows: int, precision: str) -> Operators:
    """Self-attention over all ``rows`` positions."""
    heads, inner = block.heads, block.attention
    scores = heads * rows * rows
    return (
        *_gemm(rows, width, 3 * inner, precision),
        op.binary(3 * rows * inner),
        op.copy(3 * rows * inner),
        op.transpose(rows * inner, 4),
        op.transpose(rows * inner, last=True),
        op.copy(4, 5),
        op.view(6),
        op.bmm(heads, rows, block.head_size, rows),
        op.binary(scores, 2),
        op.softmax(heads * rows, rows),
        op.elementwise(scores),
        op.bmm(heads, rows, rows, block.head_size),
        *_gemm(rows, inner, width, precision),
        op.norm(rows, width, skip=True),
    )


def step_attention(width: int, block: BlockSize, cached: int, precision: str) -> Operators:
    """Self-attention of one new position over the cache."""
    inner = block.attention
    return (
        *_gemm(1, width, 3 * inner, precision),
        op.copy(3 * inner),
        op.view(4),
        op.attention_step(block.heads, inner, cached),
        *_gemm(1, inner, width, precision),
        op.norm(1, width, skip=True),
    )


def ffn(width: int, inner: int, rank: int | None, rows: int, precision: str) -> Operators:
    """The two matrices of a block, each a product of two when the rank is low."""
    sizes = [(width, inner), (inner, width)]
    if rank is not None:
        sizes = [(width, rank), (rank, inner), (inner, rank), (rank, width)]
    products = [part for k, n in sizes for part in _gemm(rows, k, n, precision)]
    added = (op.binary(rows * inner),) if rows > 1 else (op.view(4),)
    return (*products, *added, op.elementwise(rows * inner), op.norm(rows, width, skip=True))


def prefill_ends(config: GptConfig, work: SpeechWorkload, *, bert: bool) -> Operators:
    """Embeddings, positions and mask in front; the prediction head behind."""
    x, y, width = work.phonemes, work.prompt_tokens, config.width
    rows = x + y
    front = [part for n in (x, y) for part in _positions(n, width)]
    projection = (op.gemm(x, config.bert_width, width),) if bert else ()
    mask = (op.binary(rows * rows, 4), op.view(40))
    head = op.gemm(1, width, config.semantic_vocab)
    joined = op.copy(rows * width)
    return (*front, *projection, joined, *mask, head, op.call(2 + bert + 1 + 2 * len(config.blocks)))


def step_ends(config: GptConfig) -> Operators:
    """One embedding in front, the prediction head behind."""
    head = op.gemm(1, config.width, config.semantic_vocab)
    return (*_positions(1, config.width), op.view(10), head, op.call(4 + 2 * len(config.blocks)))


def gpt_weights(config: GptConfig) -> float:
    """Bytes of the weights that a step reads, in fp32."""
    width = config.width
    return 4.0 * (sum(block_weights(width, b) for b in config.blocks) + width * config.semantic_vocab)


def block_weights(width: int, block: BlockSize) -> int:
    """Numbers in a block's matrices."""
    products = [(width, block.ffn)] * 2
    inner = sum(a * b for a, b in products)
    if block.rank is not None:
        inner = 2 * block.rank * (width + block.ffn)
    return 4 * width * block.attention + inner


def _gemm(m: int, k: int, n: int, precision: str) -> Sequence[Operator]:
    product = op.gemm(m, k, n, precision)
    return (op.quantize(m * k), product) if precision == "int8" else (product,)


def _positions(rows: int, width: int) -> Operators:
    half = rows * width // 2
    return (
        op.binary(half),
        op.transcendental(half, 2),
        op.copy(rows * width, 2),
        op.binary(rows * width, 2),
    )
