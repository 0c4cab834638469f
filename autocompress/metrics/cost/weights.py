"""The weights that a device stores: every matrix by its role, and the bytes of each storage.

Rows are output channels. Biases, norms and relative positions stay fp32. The rules are those of
``transforms.onnx_precision``: int8 keeps one fp32 scale a row, int4 one byte of scale a block of 32.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from autocompress.metrics.cost.student_sizes import StudentSizes
from autocompress.models.config import (
    BlockSize,
    GptConfig,
    IstftConfig,
    SovitsConfig,
    VocoderConfig,
    WaveNetSize,
)

SMALL_WEIGHTS = 4096
# What a weight adds to a graph beyond its fp32 entry: the nodes that widen it, or compute with it as it is.
# As in ``transforms.onnx_precision.size``, which loads onnx and torch.
WIDENED_BYTES = {
    "gpt": {"fp32": 0, "fp16": 30, "int8": 130, "int4": 298},
    "sovits": {"fp32": 0, "fp16": 31, "int8": 63, "int4": 187},
}
INTEGER_BYTES = {"gpt": {"int8": 230, "int4": 235}, "sovits": {"int8": 213, "int4": 506}}
_BLOCK = 32
_INT8_SCALE_BYTES = 4
_INT4_SCALE_BYTES = 1


@dataclass(frozen=True)
class Stored:
    """``count`` matrices of ``rows`` × ``columns`` with ``plain`` fp32 numbers beside each."""

    role: str
    rows: int
    columns: int
    plain: int = 0
    count: int = 1

    @property
    def numbers(self) -> int:
        return self.count * (self.rows * self.columns + self.plain)

    def size_bytes(self, storage: str) -> float:
        """Where the role is stored as ``storage``."""
        return self.count * (matrix_bytes(self.rows, self.columns, self.kept_as(storage)) + 4 * self.plain)

    def entry_bytes(self, storage: str, compute: str) -> float:
        """Names and nodes of the matrices in the graphs; prefill and step each have the GPT's."""
        kept = self.kept_as(storage)
        half = self.role.split(".")[0]
        integer = compute == "dynamic-int8" and kept in INTEGER_BYTES[half]
        graphs = 2 if half == "gpt" else 1
        return self.count * graphs * (INTEGER_BYTES if integer else WIDENED_BYTES)[half][kept]

    def kept_as(self, storage: str) -> str:
        """``storage``, but small matrices of the vocoder are never integers."""
        whole = storage in ("int8", "int4") and is_small(self.role, self.rows * self.columns)
        return "fp16" if whole else storage


def is_small(role: str, numbers: int) -> bool:
    """The rule of ``transforms.quantizers.is_small``, which loads torch."""
    return role == "sovits.vocoder" and numbers < SMALL_WEIGHTS


def matrix_bytes(rows: int, columns: int, storage: str) -> float:
    """Bytes of one matrix in a storage precision."""
    if storage == "int8":
        return rows * columns + _INT8_SCALE_BYTES * rows
    if storage == "int4":
        blocks = -(-columns // _BLOCK)
        return rows * blocks * (_BLOCK / 2 + _INT4_SCALE_BYTES)
    return rows * columns * {"fp32": 4.0, "fp16": 2.0}[storage]


@lru_cache(maxsize=8)  # bytes, memory and seconds of one candidate each ask for them
def stored_weights(sizes: StudentSizes, *, bert: bool) -> tuple[Stored, ...]:
    """Every stored matrix of a student; GPT roles carry the teacher's own layer index."""
    return (*_gpt(sizes.gpt, sizes.layers, bert), *_sovits(sizes.sovits))


def _gpt(config: GptConfig, layers: Iterable[int], bert: bool) -> Iterator[Stored]:
    width = config.width
    yield Stored("gpt.embedding", config.phoneme_vocab + config.semantic_vocab, width, width)
    yield Stored("gpt.embedding", width, config.bert_width if bert else 0, width)
    yield Stored("gpt.head", config.semantic_vocab, width)
    for layer, block in zip(layers, config.blocks, strict=True):
        inner = block.attention
        yield Stored(f"gpt.attention.{layer}", 3 * inner, width, 3 * inner)
        yield Stored(f"gpt.attention.{layer}", width, inner, 3 * width)
        yield from _ffn(f"gpt.ffn.{layer}", width, block)


def _ffn(role: str, width: int, block: BlockSize) -> Iterator[Stored]:
    inner, rank = block.ffn, block.rank
    if rank is None:
        yield Stored(role, inner, width, inner)
        yield Stored(role, width, inner, 3 * width)
        return
    yield Stored(role, rank, width)
    yield Stored(role, inner, rank, inner)
    yield Stored(role, rank, inner)
    yield Stored(role, width, rank, 3 * width)


def _sovits(config: SovitsConfig) -> Iterator[Stored]:
    yield Stored("sovits.embedding", config.phoneme_vocab + config.quantizer.codes, config.hidden)
    yield from _prior(config)
    for size in config.couplings:
        if size.layers:
            yield from _coupling(config, size)
    vocoder = config.vocoder
    if isinstance(vocoder, IstftConfig):
        yield from _istft(vocoder, config.inter, config.gin)
    else:
        yield from _hifigan(vocoder, config.inter, config.gin)


def _prior(config: SovitsConfig) -> Iterator[Stored]:
    role, prior, hidden = "sovits.prior", config.prior, config.hidden
    for block in (*prior.ssl_blocks, *prior.text_blocks, *prior.joint_blocks):
        inner, relative = block.attention, 2 * (2 * prior.window + 1) * block.head_size
        yield Stored(role, inner, hidden, inner, 3)
        yield Stored(role, hidden, inner, 5 * hidden + relative)
        yield Stored(role, block.ffn, hidden * prior.kernel, block.ffn)
        yield Stored(role, hidden, block.ffn * prior.kernel, hidden)
    width, inner = prior.mrte.hidden, prior.mrte.heads * prior.mrte.head_size
    yield Stored(role, width, hidden, width, 2)
    yield Stored(role, inner, width, inner, 3)
    yield Stored(role, width, inner, width)
    yield Stored(role, hidden, width, hidden)
    yield Stored(role, 2 * config.inter, hidden, 2 * config.inter)
    if config.pro:
        yield Stored(role, width, config.gin, width)


def _coupling(config: SovitsConfig, size: WaveNetSize) -> Iterator[Stored]:
    role, hidden, half = "sovits.flow", size.hidden, config.inter // 2
    yield Stored(role, hidden, half, hidden)
    yield Stored(role, 2 * hidden * size.layers, config.gin, 2 * hidden * size.layers)
    yield Stored(role, 2 * hidden, hidden * size.kernel, 2 * hidden, size.layers)
    yield Stored(role, 2 * hidden, hidden, 2 * hidden, size.layers - 1)
    yield Stored(role, hidden, hidden, hidden)
    yield Stored(role, half, hidden, half)


def _istft(vocoder: IstftConfig, inter: int, gin: int) -> Iterator[Stored]:
    role, width = "sovits.vocoder", vocoder.width
    yield Stored(role, width, inter * 7, 3 * width)
    yield Stored(role, width, gin, width)
    for hidden in vocoder.hidden:
        yield Stored(role, width, vocoder.kernel, 3 * width)
        yield Stored(role, hidden, width, hidden)
        yield Stored(role, width, hidden, width)
    yield Stored(role, vocoder.rate * width, width, vocoder.rate * width)
    yield Stored(role, 2 * vocoder.bins, width, 2 * vocoder.bins + 2 * width)


def _hifigan(vocoder: VocoderConfig, inter: int, gin: int) -> Iterator[Stored]:
    role, before = "sovits.vocoder", vocoder.channels
    yield Stored(role, before, inter * 7, before)
    yield Stored(role, before, gin, before)
    for stage in vocoder.stages:
        width = stage.channels
        yield Stored(role, width, before * stage.up_kernel, width)
        for kernel in stage.resblock_kernels:
            yield Stored(role, width, width * kernel, width, 2 * len(vocoder.dilations))
        before = width
    yield Stored(role, 1, before * 7)
