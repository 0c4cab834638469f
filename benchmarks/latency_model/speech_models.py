"""Published speech recognisers and Matcha as operators, from their public configurations.

Only products and convolutions are listed one by one; what lies between them is a few per cent of the time.
"""

from dataclasses import dataclass

MATCHA_STEPS = 3
FRAMES_PER_S = 22050 / 256


@dataclass(frozen=True)
class Op:
    """A product m × k × n; ``weight_bytes`` is 0 where both sides are activations."""

    family: str
    precision: str
    m: int
    k: int
    n: int
    taps: int = 1
    count: int = 1
    is_weight: bool = True

    @property
    def work(self):
        return 2.0 * self.m * self.k * self.n

    @property
    def weight_bytes(self):
        return (1.0 if self.precision.startswith("int8") else 4.0) * self.k * self.n * self.is_weight

    @property
    def bytes(self):
        right = self.weight_bytes or 4.0 * self.k * self.n
        return right + 4.0 * self.m * (self.k / self.taps + self.n)


def gemm(rows, k, n, count=1, precision="fp32"):
    return Op("gemm", precision, rows, k, n, count=count)


def conv(rows, n_in, n_out, taps, count=1):
    return Op("conv", "fp32", rows, n_in * taps, n_out, taps, count)


def attention(rows, heads, head, count=1):
    """Scores and mixture of all heads."""
    scores = Op("bmm", "fp32", rows, head, rows, count=heads * count, is_weight=False)
    mixed = Op("bmm", "fp32", rows, rows, head, count=heads * count, is_weight=False)
    return [scores, mixed]


def elements(rows, width, count):
    """Operators that only move data: activation, normalisation, residual."""
    return [Op("elementwise", "fp32", rows, 0, width, count=count, is_weight=False)]


def sense_voice_small(audio_s):
    """50 SAN-M and 20 TP encoder layers, width 512, FFN 2048, frames of 60 ms after stacking."""
    rows, layers = round(audio_s / 0.06) + 4, 70
    products = [gemm(rows, 512, 1536, layers, "int8"), gemm(rows, 512, 512, layers, "int8")]
    feed_forward = [gemm(rows, 512, 2048, layers, "int8"), gemm(rows, 2048, 512, layers, "int8")]
    return [
        *products, *feed_forward, gemm(rows, 512, 25055, 1, "int8"), *attention(rows, 4, 128, layers),
        *elements(rows, 512, 8 * layers),
    ]  # fmt: skip


def parakeet_tdt_06b(audio_s):
    """FastConformer XL: 24 layers, width 1024, two half-step FFNs of 4096, frames of 80 ms."""
    rows, layers = round(audio_s / 0.08), 24
    feed_forward = [gemm(rows, 1024, 4096, 2 * layers, "int8"), gemm(rows, 4096, 1024, 2 * layers, "int8")]
    attend = [gemm(rows, 1024, 1024, 4 * layers, "int8"), gemm(2 * rows, 1024, 1024, layers, "int8")]
    pointwise = [gemm(rows, 1024, 2048, layers, "int8"), gemm(rows, 1024, 1024, layers, "int8")]
    front = [conv(rows * 4 * 40, 1, 256, 9), conv(rows * 2 * 20, 256, 256, 1), conv(rows * 10, 256, 256, 1)]
    return [
        *feed_forward, *attend, *pointwise, *front, gemm(rows, 2560, 1024), *attention(rows, 8, 128, layers),
        *elements(rows, 1024, 16 * layers),
    ]  # fmt: skip


def _u_net_block(rows, n_in, width=256, ffn=1024, inner=128):
    """A residual block of two convolutions and a transformer block."""
    residual = [conv(rows, n_in, width, 3), conv(rows, width, width, 3), conv(rows, n_in, width, 1)]
    attend = [gemm(rows, width, inner, 3), gemm(rows, inner, width), *attention(rows, 2, 64)]
    return [*residual, *attend, gemm(rows, width, ffn), gemm(rows, ffn, width), *elements(rows, width, 20)]


def matcha_decoder(audio_s):
    """Three steps of the flow's U-Net: two levels of 256 channels, two blocks in the middle."""
    rows = round(audio_s * FRAMES_PER_S)
    half = rows // 2
    down = [
        *_u_net_block(rows, 160),
        conv(half, 256, 256, 3),
        *_u_net_block(half, 256),
        conv(half, 256, 256, 3),
    ]
    middle = [*_u_net_block(half, 256), *_u_net_block(half, 256)]
    up = [
        *_u_net_block(half, 512),
        *_u_net_block(rows, 512),
        conv(rows, 256, 256, 4),
        conv(rows, 256, 256, 3),
    ]
    return [*down, *middle, *up] * MATCHA_STEPS
