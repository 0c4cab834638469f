"""SoVITS as parts: prior encoder, flow and vocoder (``models.onnx.sovits_graph``).

Legend: T latent frames (two a token), P phonemes.
"""

from collections.abc import Sequence
from dataclasses import replace

from autocompress.hardware.graph import Operator
from autocompress.metrics.cost import operators as op
from autocompress.metrics.cost.weights import is_small
from autocompress.models.config import (
    BlockSize,
    IstftConfig,
    MrteConfig,
    StageSize,
    WaveNetSize,
)

Operators = tuple[Operator, ...]

NARROWEST_IMAGE = 128
"""Channels from which the exporter writes a vocoder's blocks as images (``models.onnx.flat_images``)."""


def encoder_block(
    hidden: int, block: BlockSize, kernel: int, window: int, rows: int, precision: str
) -> Operators:
    """One block of the prior's encoders: attention with relative positions, then a convolutional FFN."""
    heads, inner, reach = block.heads, block.attention, 2 * window + 1
    scores = heads * rows * rows
    return (
        *_conv(rows, hidden, inner, 1, precision, 3),
        *_conv(rows, inner, hidden, 1, precision, 1),
        op.bmm(heads, rows, block.head_size, rows),
        op.bmm(heads, rows, rows, block.head_size),
        op.gemm(heads * rows, block.head_size, reach),
        op.gemm(heads * rows, reach, block.head_size),
        op.copy(scores, 2),
        op.copy(heads * rows * reach),
        op.binary(scores, 2),
        op.softmax(heads * rows, rows),
        op.transpose(rows * inner, 5, last=True),
        op.binary(rows * hidden, 3),
        op.norm(rows, hidden, count=2),
        *_conv(rows, hidden, block.ffn, kernel, precision, 1),
        *_conv(rows, block.ffn, hidden, kernel, precision, 1),
        op.view(10),
    )


def relative_positions(rows: int, heads: int) -> Operators:
    """Index tables of an encoder's relative attention, made once an encoder."""
    square = rows * rows
    return (op.binary(square, 5), op.elementwise(square, 2), op.copy(heads * square), op.view(12))


def meeting(hidden: int, mrte: MrteConfig, frames: int, phonemes: int, precision: str) -> Operators:
    """MRTE: content frames look at phonemes; projections in and out."""
    width = mrte.hidden
    inner = mrte.heads * mrte.head_size
    return (
        *_conv(frames, hidden, width, 1, precision, 1),
        *_conv(phonemes, hidden, width, 1, precision, 1),
        *_conv(frames, width, inner, 1, precision, 1),
        *_conv(phonemes, width, inner, 1, precision, 2),
        op.bmm(mrte.heads, frames, mrte.head_size, phonemes),
        op.softmax(mrte.heads * frames, phonemes),
        op.bmm(mrte.heads, frames, phonemes, mrte.head_size),
        op.transpose(frames * inner, 2, last=True),
        *_conv(frames, inner, width, 1, precision, 1),
        *_conv(frames, width, hidden, 1, precision, 1),
        op.binary(frames * width, 2),
    )


def prior_ends(hidden: int, inter: int, frames: int, phonemes: int, precision: str) -> Operators:
    """Embeddings in front, mean and deviation behind."""
    return (
        op.copy(phonemes * hidden, 2),
        op.copy(frames * hidden, 3),
        *_conv(frames, hidden, 2 * inter, 1, precision, 1),
        op.copy(2 * frames * inter),
        op.transcendental(frames * inter),
        op.binary(frames * inter, 2),
        op.view(20),
        op.call(6),
    )


def coupling(inter: int, gin: int, size: WaveNetSize, frames: int, precision: str) -> Operators:
    """One affine coupling; without layers only its flip is left."""
    half, hidden = inter // 2, size.hidden
    flip = (op.copy(frames * inter, 2),)
    if size.layers == 0:
        return flip
    return (
        *flip,
        *_conv(frames, half, hidden, 1, precision, 1),
        op.conv(1, gin, 2 * hidden * size.layers),
        *[part for i in range(size.layers) for part in _gated(hidden, size, frames, i, precision)],
        *_conv(frames, hidden, half, 1, precision, 1),
        op.binary(frames * half),
        op.copy(frames * half, 2),
    )


def vocoder_front(channels: int, inter: int, gin: int, frames: int, precision: str) -> Operators:
    """The first convolution, conditioned on the voice."""
    return (
        op.copy(frames * inter),
        *_conv(frames, inter, channels, 7, precision, 1),
        op.conv(1, gin, channels),
        op.binary(frames * channels),
    )


def vocoder_stage(
    channels: int, stage: StageSize, dilations: int, positions: int, precision: str
) -> Operators:
    """Upsampling from ``positions``, then the mean of the residual blocks that stay."""
    out = positions * stage.rate
    values = out * stage.channels
    blocks = len(stage.resblock_kernels)
    pairs = blocks * dilations
    return (
        op.elementwise(positions * channels),
        op.conv_transpose(positions, channels, stage.channels, stage.up_kernel, stage.rate),
        *[
            part
            for kernel in stage.resblock_kernels
            for part in _image_conv(out, stage.channels, kernel, precision, 2 * dilations)
        ],
        op.elementwise(values, pairs),
        op.binary(values, pairs + max(0, blocks - 1) + 1),
    )


def vocoder_back(channels: int, positions: int, precision: str) -> Operators:
    """The last convolution, to samples."""
    return (
        op.elementwise(positions * channels),
        *_conv(positions, channels, 1, 7, _wide(precision, 7 * channels), 1),
    )


def _gated(hidden: int, size: WaveNetSize, frames: int, layer: int, precision: str) -> Operators:
    last = layer == size.layers - 1
    values = frames * hidden
    return (
        *_conv(frames, hidden, 2 * hidden, size.kernel, precision, 1),
        op.binary(2 * values),
        op.copy(2 * values, 2),
        op.transcendental(values, 2),
        op.binary(values, 3),
        *_conv(frames, hidden, hidden if last else 2 * hidden, 1, precision, 1),
    )


def _conv(m: int, channels: int, n: int, taps: int, precision: str, count: int) -> Sequence[Operator]:
    product = op.conv(m, channels, n, taps, precision, count)
    return (op.quantize(m * channels, count), product) if precision == "int8_dynamic" else (product,)


def _image_conv(m: int, channels: int, taps: int, precision: str, count: int) -> Sequence[Operator]:
    """A convolution of a residual block; x86 has kernels blocked by channels for wide ones in fp32."""
    precision = _wide(precision, taps * channels * channels)
    products = _conv(m, channels, channels, taps, precision, count)
    if precision != "fp32" or channels < NARROWEST_IMAGE:
        return products
    return tuple(replace(product, family="conv_nchwc") for product in products)


def _wide(precision: str, numbers: int) -> str:
    """What a convolution of the vocoder computes in; small ones stay fp32."""
    return "fp32" if _is_small(numbers) else precision


def spectral_block(width: int, hidden: int, kernel: int, rows: int, precision: str) -> Operators:
    """One block of a vocoder that predicts spectra, over ``rows`` frames."""
    values = rows * width
    return (
        op.transpose(values, 2, last=True),
        op.depthwise(rows, width, kernel),
        op.norm(rows, width),
        *_linear(rows, width, hidden, precision),
        op.elementwise(rows * hidden),
        *_linear(rows, hidden, width, precision),
        op.binary(values),
    )


def spectral_ends(vocoder: IstftConfig, inter: int, gin: int, frames: int, precision: str) -> Operators:
    """Latents in, the finer frames between, spectra and their inverse transform out."""
    width, bins, rows = vocoder.width, vocoder.bins, frames * vocoder.rate
    samples = rows * vocoder.hop
    return (
        op.copy(frames * inter),
        *_conv(frames, inter, width, 7, precision, 1),
        op.conv(1, gin, width),
        op.binary(frames * width),
        op.transpose(frames * width, last=True),
        op.norm(frames, width),
        *_linear(frames, width, vocoder.rate * width, precision),
        op.norm(rows, width),
        *_linear(rows, width, 2 * bins, precision),
        op.copy(rows * bins, 4),
        op.elementwise(rows * bins),
        op.transcendental(rows * bins, 3),
        op.binary(rows * bins, 2),
        op.gemm(rows, 2 * bins, vocoder.n_fft),
        op.copy(rows * vocoder.hop, 2 * vocoder.overlap),
        op.binary(samples, vocoder.overlap - 1),
        op.copy(samples),
        op.view(10),
    )


def _linear(rows: int, inputs: int, outputs: int, precision: str) -> Operators:
    """A linear layer and its bias; ONNX Runtime fuses what quantizes with the integer product."""
    narrow = "int8" if precision == "int8_dynamic" and not _is_small(inputs * outputs) else "fp32"
    bias = () if narrow == "int8" else (op.binary(rows * outputs),)
    return (op.gemm(rows, inputs, outputs, narrow), *bias)


def _is_small(numbers: int) -> bool:
    return is_small("sovits.vocoder", numbers)
