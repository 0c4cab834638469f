"""Whole graphs to validate the latency model on: none of their shapes is chosen from the operator table's.

Weights are random: time does not depend on their values. Every graph comes as fp32 and in the quantized forms
that its operators have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(7)


@dataclass
class Builder:
    """Nodes and weights of a graph under construction."""

    def __post_init__(self):
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [], []

    def input(self, name, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def weight(self, *shape):
        name = f"w{len(self.weights)}"
        scale = 0.5 / np.sqrt(max(1, np.prod(shape[1:] if len(shape) == 3 else shape[:1])))
        self.weights.append(
            numpy_helper.from_array((RNG.standard_normal(shape) * scale).astype(np.float32), name)
        )
        return name

    def constant(self, values, dtype=np.int64):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def add(self, op_type, *inputs, n_outputs=1, **attributes):
        names = [f"t{len(self.nodes)}_{i}" for i in range(n_outputs)]
        node = helper.make_node(
            op_type, list(inputs), names, name=f"{op_type}_{len(self.nodes)}", **attributes
        )
        self.nodes.append(node)
        return names[0] if n_outputs == 1 else names

    def linear(self, x, k, n, bias=True):
        y = self.add("MatMul", x, self.weight(k, n))
        return self.add("Add", y, self.weight(n)) if bias else y

    def norm(self, x, width):
        return self.add("LayerNormalization", x, self.weight(width), self.weight(width), axis=-1)

    def output(self, name):
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))

    def model(self):
        graph = helper.make_graph(self.nodes, "g", self.inputs, self.outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        return model


def _attention(b, x, cache, rows, width, heads, past):
    """Self-attention of GPT-SoVITS' T2S block, with the keys and values of ``past`` tokens from outside."""
    head = width // heads
    qkv = b.linear(x, width, 3 * width)
    q, k, v = b.add("Split", qkv, b.constant([width] * 3), n_outputs=3, axis=-1)
    if past:
        k, v = b.add("Concat", cache[0], k, axis=1), b.add("Concat", cache[1], v, axis=1)
        b.output(k)
        b.output(v)
    q, k, v = (b.add("Reshape", t, b.constant([1, -1, heads, head])) for t in (q, k, v))
    q, v = (b.add("Transpose", t, perm=[0, 2, 1, 3]) for t in (q, v))
    scores = b.add("MatMul", q, b.add("Transpose", k, perm=[0, 2, 3, 1]))
    weights = b.add("Softmax", b.add("Mul", scores, b.constant(head**-0.5, np.float32)), axis=-1)
    mixed = b.add("Transpose", b.add("MatMul", weights, v), perm=[0, 2, 1, 3])
    return b.linear(b.add("Reshape", mixed, b.constant([1, rows, width])), width, width)


def transformer(depth, width, heads, ffn, rows=1, past=0, vocabulary=0):
    """Post-norm transformer: a decode step (``rows=1``, ``past>0``) or an encoder / prefill (``past=0``)."""
    b = Builder()
    x = b.input("x", [1, rows, width])
    for i in range(depth):
        cache = [b.input(f"{n}{i}", [1, past, width]) for n in "kv"] if past else None
        x = b.norm(b.add("Add", x, _attention(b, x, cache, rows, width, heads, past)), width)
        hidden = b.add("Relu", b.linear(x, width, ffn))
        x = b.norm(b.add("Add", x, b.linear(hidden, ffn, width)), width)
    b.output(b.linear(x, width, vocabulary, bias=False) if vocabulary else x)
    return b.model()


def vocoder(channels, rates, kernels, frames, in_channels=192, residual_kernels=(3, 7, 11)):
    """HiFi-GAN (v1 layout): upsampling, then residual blocks of dilations 1, 3, 5 whose mean goes on."""
    b = Builder()
    x = b.input("x", [1, in_channels, frames])
    x = b.add("Conv", x, b.weight(channels, in_channels, 7), b.weight(channels), pads=[3, 3])
    for rate, kernel in zip(rates, kernels, strict=True):
        pad = (kernel - rate) // 2
        x = b.add("LeakyRelu", x, alpha=0.1)
        weight = b.weight(channels, channels // 2, kernel)
        x = b.add(
            "ConvTranspose",
            x,
            weight,
            b.weight(channels // 2),
            strides=[rate],
            pads=[pad, kernel - rate - pad],
        )
        channels //= 2
        blocks = [_residual_block(b, x, channels, kernel) for kernel in residual_kernels]
        total = blocks[0]
        for block in blocks[1:]:
            total = b.add("Add", total, block)
        x = b.add("Mul", total, b.constant(1 / len(blocks), np.float32))
    x = b.add("Conv", b.add("LeakyRelu", x, alpha=0.01), b.weight(1, channels, 7), pads=[3, 3])
    b.output(b.add("Tanh", x))
    return b.model()


def _residual_block(b, x, channels, kernel):
    for dilation in (1, 3, 5):
        y = b.add("LeakyRelu", x, alpha=0.1)
        pad = dilation * (kernel - 1) // 2
        y = b.add(
            "Conv",
            y,
            b.weight(channels, channels, kernel),
            b.weight(channels),
            pads=[pad, pad],
            dilations=[dilation],
        )
        y = b.add("LeakyRelu", y, alpha=0.1)
        pad = (kernel - 1) // 2
        y = b.add("Conv", y, b.weight(channels, channels, kernel), b.weight(channels), pads=[pad, pad])
        x = b.add("Add", x, y)
    return x


def wavenet_flow(channels, layers, couplings, frames, kernel=5):
    """Residual coupling layers of VITS: gated convolutions on half of the channels."""
    b = Builder()
    x = b.input("x", [1, channels, frames])
    half, sizes = channels // 2, b.constant([channels // 2] * 2)
    gates = b.constant([channels] * 2)
    for _ in range(couplings):
        left, right = b.add("Split", x, sizes, n_outputs=2, axis=1)
        h = b.add("Conv", left, b.weight(channels, half, 1), b.weight(channels))
        skip = h
        for _ in range(layers):
            pad = kernel // 2
            z = b.add(
                "Conv", h, b.weight(2 * channels, channels, kernel), b.weight(2 * channels), pads=[pad, pad]
            )
            a, g = b.add("Split", z, gates, n_outputs=2, axis=1)
            z = b.add("Mul", b.add("Tanh", a), b.add("Sigmoid", g))
            r, s = b.add(
                "Split",
                b.add("Conv", z, b.weight(2 * channels, channels, 1), b.weight(2 * channels)),
                gates,
                n_outputs=2,
                axis=1,
            )
            h, skip = b.add("Add", h, r), b.add("Add", skip, s)
        shift = b.add("Conv", skip, b.weight(half, channels, 1), b.weight(half))
        x = b.add("Concat", b.add("Sub", right, shift), left, axis=1)
    b.output(x)
    return b.model()


def conv_encoder(channels, layers, frames, kernel=5):
    """Convolutions with layer normalisation over channels, as in a text or prosody encoder."""
    b = Builder()
    x = b.input("x", [1, channels, frames])
    for _ in range(layers):
        pad = kernel // 2
        y = b.add(
            "Relu",
            b.add("Conv", x, b.weight(channels, channels, kernel), b.weight(channels), pads=[pad, pad]),
        )
        y = b.add("Transpose", b.norm(b.add("Transpose", y, perm=[0, 2, 1]), channels), perm=[0, 2, 1])
        x = b.add("Add", x, y)
    b.output(x)
    return b.model()


@dataclass(frozen=True)
class Case:
    """A graph to predict and to measure; ``precisions`` that make sense for it."""

    name: str
    model: onnx.ModelProto
    precisions: tuple[str, ...]
    shapes: dict


LINEAR = ("fp32", "int8", "int4")
CONVOLUTIONAL = ("fp32", "int8")


@dataclass(frozen=True)
class Sizes:
    """Which graphs are built, kind by kind, in the order of their builder's arguments."""

    steps: tuple[tuple[int, int, int, int, int], ...]  # depth, width, heads, ffn, past
    encoders: tuple[tuple[int, int, int, int, int], ...]  # depth, width, heads, ffn, rows
    vocoders: tuple[tuple[int, tuple[int, ...], tuple[int, ...], int, tuple[int, ...]], ...]
    flows: tuple[tuple[int, int, int, int], ...]  # channels, layers, couplings, frames
    conv_encoders: tuple[tuple[int, int, int, int], ...]  # channels, layers, frames, kernel


DEVELOPMENT = Sizes(
    steps=(
        (24, 512, 16, 2048, 160), (12, 512, 16, 2048, 135), (8, 512, 16, 1280, 210), (6, 384, 12, 1536, 175),
        (16, 448, 14, 1792, 120), (10, 256, 8, 768, 230), (4, 640, 10, 2560, 90), (20, 320, 10, 1152, 140),
        (3, 192, 6, 768, 185), (2, 896, 14, 3584, 100),
    ),
    encoders=(
        (6, 192, 2, 768, 60), (12, 512, 16, 2048, 137), (4, 256, 4, 1024, 210), (8, 384, 6, 1536, 75),
        (3, 512, 8, 1280, 310), (24, 320, 10, 1152, 48),
    ),
    vocoders=(
        (512, (10, 8, 2, 2, 2), (16, 16, 8, 2, 2), 25, (3, 7, 11)),
        (256, (10, 8, 2, 2, 2), (16, 16, 8, 2, 2), 50, (3, 7, 11)),
        (128, (8, 8, 2, 2), (16, 16, 4, 4), 90, (3, 7, 11)), (384, (8, 8, 4), (16, 16, 8), 40, (3, 5, 7)),
        (192, (10, 8, 4, 2), (20, 16, 8, 4), 30, (3, 7)),
        (96, (10, 8, 2, 2, 2), (16, 16, 8, 2, 2), 100, (3, 7, 11)),
        (320, (8, 5, 4, 2), (16, 10, 8, 4), 60, (3,)),
    ),
    flows=((192, 4, 4, 210), (128, 3, 3, 400), (96, 4, 2, 150), (256, 2, 4, 90)),
    conv_encoders=((192, 6, 77, 5), (320, 4, 240, 3), (512, 3, 130, 9)),
)  # fmt: skip
HOLDOUT = Sizes(
    steps=(
        (18, 512, 16, 1536, 150), (7, 576, 12, 2304, 110), (14, 384, 8, 1152, 200), (5, 288, 6, 1152, 145),
        (9, 416, 13, 1664, 170), (3, 768, 12, 2048, 125),
    ),
    encoders=((5, 448, 7, 1792, 120), (10, 288, 6, 1152, 90), (2, 640, 10, 2560, 180)),
    vocoders=(
        (256, (8, 8, 4), (16, 16, 8), 70, (3, 7)), (160, (10, 4, 2, 2, 2), (16, 8, 4, 4, 4), 80, (3, 7, 11)),
        (448, (10, 8, 2, 2), (16, 16, 4, 4), 20, (3, 7, 11)),
    ),
    flows=((160, 3, 4, 260), (224, 4, 2, 120)),
    conv_encoders=((256, 5, 160, 5), (384, 3, 100, 7)),
)  # fmt: skip


def own_cases(sizes: Sizes) -> Iterator[Case]:
    """Graphs built here."""
    for depth, width, heads, ffn, past in sizes.steps:
        name = f"step-d{depth}-w{width}-f{ffn}-p{past}"
        yield Case(name, transformer(depth, width, heads, ffn, 1, past, 1025), LINEAR, {})
    for depth, width, heads, ffn, rows in sizes.encoders:
        name = f"encoder-d{depth}-w{width}-f{ffn}-r{rows}"
        yield Case(name, transformer(depth, width, heads, ffn, rows), LINEAR, {})
    for channels, rates, kernels, frames, residual in sizes.vocoders:
        name = f"vocoder-c{channels}-u{'x'.join(map(str, rates))}-t{frames}-k{max(residual)}"
        yield Case(name, vocoder(channels, rates, kernels, frames, 192, residual), CONVOLUTIONAL, {})
    for channels, layers, couplings, frames in sizes.flows:
        name = f"flow-c{channels}-l{layers}x{couplings}-t{frames}"
        yield Case(name, wavenet_flow(channels, layers, couplings, frames), CONVOLUTIONAL, {})
    for channels, layers, frames, kernel in sizes.conv_encoders:
        name = f"convencoder-c{channels}-l{layers}-t{frames}-k{kernel}"
        yield Case(name, conv_encoder(channels, layers, frames, kernel), CONVOLUTIONAL, {})


def outside_cases(folder: Path) -> Iterator[Case]:
    """Graphs of other people, from the wheels of speechmos (DNSMOS, PLCMOS, AECMOS) and silero-vad."""
    mos, vad = "speechmos", "silero_vad/data"
    frames = (1, 1, 300, 257)
    for name, path, shapes in (
        ("dnsmos-p835", f"{mos}/pdnsmos_models/sig_bak_ovr.onnx", {"input_1": (1, 144160)}),
        ("dnsmos-p808", f"{mos}/dnsmos_models/model_v8.onnx", {"input_1": (1, 900, 120)}),
        ("plcmos", f"{mos}/plcmos_models/plcmos_v2.onnx", {"degraded_audio": frames, "rater_embed": (1, 64)}),
        (
            "aecmos",
            f"{mos}/aecmos_models/Run_1663829550_Stage_0.onnx",
            {"input": (1, 3, 400, 160), "h0": (4, 1, 64)},
        ),
        (
            "silero-vad",
            f"{vad}/silero_vad_16k_sequence.onnx",
            {"input": (60, 576), "h": (1, 1, 128), "c": (1, 1, 128)},
        ),
    ):
        if (folder / path).is_file():
            yield Case(name, onnx.load(folder / path), ("fp32",), shapes)
