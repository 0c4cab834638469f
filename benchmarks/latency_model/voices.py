"""VITS voices as graphs, from their public configurations: what the published run times are predicted for.

Weights are random: time does not depend on their values. Configurations: VITS' ljs_base.json (HiFi-GAN V1
decoder), Piper's medium quality (piper_train/vits/config.py) and icefall's VITS of low quality at 8 kHz
(egs/ljspeech/TTS/vits/vits.py, egs/aishell3/TTS/local/compute_spectrogram_aishell3.py).
"""

from dataclasses import dataclass

import numpy as np
from graphs import Builder

PHONEMES_PER_S = 15  # general knowledge: about 12-15 phonemes a second; a blank stands beside each
FILTER = 768
N_TEXT_LAYERS, N_HEADS, TEXT_KERNEL = 6, 2, 3
N_COUPLINGS, N_WAVENET_LAYERS, FLOW_KERNEL = 4, 4, 5


@dataclass(frozen=True)
class Voice:
    """A VITS configuration."""

    name: str
    sample_rate_hz: int
    hidden: int
    channels: int
    rates: tuple[int, ...]
    kernels: tuple[int, ...]
    residual_kernels: tuple[int, ...]
    dilations: tuple[tuple[int, ...], ...]
    is_double: bool  # HiFi-GAN's first kind of residual block: a second convolution after each dilated one

    @property
    def hop(self):
        return int(np.prod(self.rates))


_V1 = {"residual_kernels": (3, 7, 11), "dilations": ((1, 3, 5),) * 3, "is_double": True}
_PIPER = {"residual_kernels": (3, 5, 7), "dilations": ((1, 2), (2, 6), (3, 12)), "is_double": False}
VOICES = {
    "vits-ljs": Voice("vits-ljs", 22050, 192, 512, (8, 8, 2, 2), (16, 16, 4, 4), **_V1),
    "piper-medium": Voice("piper-medium", 22050, 192, 256, (8, 8, 4), (16, 16, 8), **_PIPER),
    "icefall-low-8k": Voice("icefall-low-8k", 8000, 96, 256, (8, 8, 4), (16, 16, 8), **_PIPER),
}  # fmt: skip


def voice_graph(voice: Voice, audio_s: float):
    """A voice for so much audio in one graph: text encoder, duration predictor, inverse flow, decoder."""
    b = Builder()
    frames = round(audio_s * voice.sample_rate_hz / voice.hop)
    tokens = round(audio_s * PHONEMES_PER_S) * 2 + 1
    text = _text_encoder(b, voice.hidden, tokens)
    b.output(_duration_predictor(b, text, voice.hidden))
    latent = b.input(
        "latent", [1, voice.hidden, frames]
    )  # the length regulator's output: a gather, not costed
    for _ in range(N_COUPLINGS):
        latent = _coupling(b, latent, voice.hidden)
    b.output(_decoder(b, latent, voice))
    return b.model()


def _conv(b, x, n_in, n_out, kernel, dilation=1, group=1):
    pad = dilation * (kernel - 1) // 2
    weight = b.weight(n_out, n_in // group, kernel)
    return b.add("Conv", x, weight, b.weight(n_out), pads=[pad, pad], dilations=[dilation], group=group)


def _channel_norm(b, x, width):
    return b.add("Transpose", b.norm(b.add("Transpose", x, perm=[0, 2, 1]), width), perm=[0, 2, 1])


def _text_encoder(b, width, tokens):
    """Six transformer layers with relative positions and convolutional feed-forward."""
    x = b.input("text", [1, width, tokens])
    for _ in range(N_TEXT_LAYERS):
        x = _channel_norm(b, b.add("Add", x, _attention(b, x, width, tokens)), width)
        hidden = b.add("Relu", _conv(b, x, width, FILTER, TEXT_KERNEL))
        x = _channel_norm(b, b.add("Add", x, _conv(b, hidden, FILTER, width, TEXT_KERNEL)), width)
    _conv_out = _conv(b, x, width, 2 * width, 1)
    b.output(_conv_out)
    return x


def _attention(b, x, width, tokens):
    head = width // N_HEADS
    split = b.constant([1, N_HEADS, head, tokens])
    q, k, v = (b.add("Reshape", _conv(b, x, width, width, 1), split) for _ in range(3))
    rows = b.add("Transpose", q, perm=[0, 1, 3, 2])
    scores = b.add("Mul", b.add("MatMul", rows, k), b.constant(head**-0.5, np.float32))
    relative = b.add("MatMul", rows, b.weight(1, N_HEADS, head, tokens))
    weights = b.add("Softmax", b.add("Add", scores, relative), axis=-1)
    mixed = b.add("MatMul", weights, b.add("Transpose", v, perm=[0, 1, 3, 2]))
    merged = b.add("Reshape", b.add("Transpose", mixed, perm=[0, 1, 3, 2]), b.constant([1, width, tokens]))
    return _conv(b, merged, width, width, 1)


def _duration_predictor(b, x, width):
    """Stochastic duration predictor: depth-separable convolutions, a conditioner and four flows."""
    for _ in range(5):
        x = _conv(b, x, width, width, 1)
        for layer in range(3):
            y = b.add(
                "Gelu",
                _channel_norm(b, _conv(b, x, width, width, 3, 3**layer, group=width), width),
                domain="com.microsoft",
            )
            y = b.add("Gelu", _channel_norm(b, _conv(b, y, width, width, 1), width), domain="com.microsoft")
            x = b.add("Add", x, y)
    return _conv(b, x, width, 29, 1)


def _coupling(b, x, width):
    """Residual coupling with a WaveNet of four layers."""
    half = width // 2
    left, right = b.add("Split", x, b.constant([half, half]), n_outputs=2, axis=1)
    h = _conv(b, left, half, width, 1)
    skip = None
    for layer in range(N_WAVENET_LAYERS):
        gates = b.constant([width, width])
        a, g = b.add("Split", _conv(b, h, width, 2 * width, FLOW_KERNEL), gates, n_outputs=2, axis=1)
        z = b.add("Mul", b.add("Tanh", a), b.add("Sigmoid", g))
        if layer == N_WAVENET_LAYERS - 1:
            skip = b.add("Add", skip, _conv(b, z, width, width, 1))
        else:
            r, s = b.add("Split", _conv(b, z, width, 2 * width, 1), gates, n_outputs=2, axis=1)
            h, skip = b.add("Add", h, r), s if skip is None else b.add("Add", skip, s)
    shift = _conv(b, skip, width, half, 1)
    return b.add("Concat", b.add("Sub", right, shift), left, axis=1)


def _decoder(b, x, voice):
    """HiFi-GAN's generator."""
    channels = voice.channels
    x = _conv(b, x, voice.hidden, channels, 7)
    for rate, kernel in zip(voice.rates, voice.kernels, strict=True):
        pad = (kernel - rate) // 2
        weight = b.weight(channels, channels // 2, kernel)
        x = b.add(
            "ConvTranspose", b.add("LeakyRelu", x, alpha=0.1), weight, b.weight(channels // 2),
            strides=[rate], pads=[pad, kernel - rate - pad],
        )  # fmt: skip
        channels //= 2
        blocks = [
            _residual_block(b, x, channels, k, dilations, voice.is_double)
            for k, dilations in zip(voice.residual_kernels, voice.dilations, strict=True)
        ]
        x = b.add("Add", b.add("Add", blocks[0], blocks[1]), blocks[2])
        x = b.add("Div", x, b.constant(3.0, np.float32))
    x = _conv(b, b.add("LeakyRelu", x, alpha=0.01), channels, 1, 7)
    return b.add("Tanh", x)


def _residual_block(b, x, channels, kernel, dilations, is_double):
    for dilation in dilations:
        y = _conv(b, b.add("LeakyRelu", x, alpha=0.1), channels, channels, kernel, dilation)
        if is_double:
            y = _conv(b, b.add("LeakyRelu", y, alpha=0.1), channels, channels, kernel)
        x = b.add("Add", x, y)
    return x
