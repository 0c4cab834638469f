"""Which points are measured: the shapes of speech models, from narrow students to wide teachers.

``quick`` is what one minute affords; ``full`` adds the points between and beyond.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from autocompress.hardware.graph import SCALE_BY_COLUMN, conv_family
from autocompress.hardware.profiler.probes import Probe

MB = 1_000_000
Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Grid:
    """The coordinates of one level; pairs are named by their two sizes."""

    elements: tuple[int, ...]
    choices: Pairs  # vocabulary, MB that the model touches between two drawn tokens
    caches: tuple[int, ...]
    cache_footprints_mb: tuple[int, ...]
    norms: Pairs  # rows, width
    softmaxes: Pairs  # rows, width
    recurrences: Pairs  # steps, hidden
    heads: Pairs  # heads, width
    attention: Pairs  # queries, keys
    cached: Pairs  # keys, features a head
    row_products: Pairs  # k, n with one row
    footprints_mb: dict[str, tuple[int, ...]]
    tall_products: Pairs  # k, n with many rows
    rows: tuple[int, ...]
    channels: Pairs
    positions: tuple[int, ...]
    taps: tuple[int, ...]
    upsampling: Pairs  # channels, positions
    dilated: Pairs  # channels, positions
    images: tuple[tuple[int, int, int], ...]  # side, channels in, channels out
    frames: tuple[tuple[int, int, int, int, int], ...]  # batch, positions, channels in and out, taps
    transformers: tuple[tuple[int, int, int, int, int], ...]  # heads, rows, width, inner, layers
    steps: tuple[tuple[int, int, int, int], ...]  # heads, width, inner, layers
    residuals: tuple[tuple[int, int, int], ...]  # positions, channels, taps


_QUICK = Grid(
    elements=(256, 16384, 262144),
    choices=((256, 60), (1025, 8)),
    caches=(65536,),
    cache_footprints_mb=(2, 16),
    norms=((1, 512), (60, 512)),
    softmaxes=((16, 150), (960, 60)),
    recurrences=((100, 128),),
    heads=((16, 32),),
    attention=((1, 150), (60, 60)),
    cached=((150, 32),),
    row_products=((256, 256), (512, 2048)),
    footprints_mb={"fp32": (8, 110), "int8": (8, 60), "int8_weights": (8,), "int4": (8,)},
    tall_products=((512, 2048),),
    rows=(60,),
    channels=((32, 32), (256, 256), (192, 384)),
    positions=(200, 3200),
    taps=(7,),
    upsampling=((256, 400),),
    dilated=((6, 3200),),
    images=((100, 32, 32),),
    frames=((60, 1, 64, 64, 3), (60, 2, 128, 64, 3), (60, 5, 1, 258, 256)),
    transformers=((8, 1, 512, 2048, 6), (4, 60, 256, 1024, 4)),
    steps=((8, 256, 1024, 6),),
    residuals=((800, 128, 7),),
)

_FULL = Grid(
    elements=(16, 256, 1024, 4096, 16384, 65536, 262144, 1048576),
    choices=tuple((n, mb) for n in (256, 1025) for mb in (2, 8, 16, 24, 32, 60, 110)),
    caches=(8192, 32768, 65536, 131072),
    cache_footprints_mb=(1, 4, 16, 40),
    norms=((1, 128), (1, 512), (1, 1024), (60, 192), (60, 512), (300, 512)),
    softmaxes=((4, 64), (8, 150), (16, 150), (16, 300), (240, 60), (960, 60), (2400, 150), (4800, 300)),
    recurrences=((1, 128), (20, 128), (100, 64), (100, 128), (300, 32), (100, 256)),
    heads=((4, 32), (8, 32), (16, 32), (8, 64), (16, 64), (2, 96)),
    attention=((1, 40), (1, 150), (1, 400), (60, 60), (150, 150), (300, 300)),
    cached=((40, 32), (150, 32), (400, 32), (90, 48), (150, 64), (400, 64)),
    row_products=(
        (64, 64), (128, 128), (256, 256), (320, 320), (512, 512), (192, 768), (256, 1024),
        (384, 1152), (384, 1536), (512, 2048), (768, 3072), (1024, 4096),
    ),
    footprints_mb={
        "fp32": (1, 8, 16, 23, 30, 40, 60, 70, 80, 110, 220), "int8": (1, 8, 16, 25, 40, 50, 60, 80, 110),
        "int8_weights": (1, 8, 60, 80), "int4": (1, 8, 16, 24, 32, 40, 60, 80),
    },
    tall_products=((128, 512), (192, 768), (256, 1024), (512, 512), (512, 2048), (768, 3072)),
    rows=(4, 16, 60, 150, 400),
    channels=(
        (6, 6),
        (12, 12), (16, 16), (24, 24), (32, 32), (48, 48), (64, 64), (96, 96), (128, 128), (192, 192),
        (256, 256), (512, 512), (192, 384), (192, 768), (80, 512), (3, 3),
    ),
    positions=(50, 200, 800, 3200, 12800, 51200),
    taps=(1, 3, 7, 11),
    upsampling=(
        (512, 50), (512, 100), (256, 100), (256, 800), (128, 1600), (64, 6400), (32, 12800), (24, 9600),
    ),
    dilated=((3, 12800), (3, 51200), (6, 3200), (6, 25600), (12, 3200), (12, 12800)),
    images=(
        (50, 16, 16), (50, 32, 32), (150, 32, 32), (100, 64, 64), (350, 64, 64), (50, 128, 128),
        (20, 128, 128),
        (100, 32, 64), (350, 32, 32), (100, 16, 32), (20, 64, 64), (50, 64, 128), (350, 1, 32), (150, 1, 64),
    ),
    frames=(
        (8, 4, 64, 64, 3), (64, 4, 64, 64, 3), (60, 2, 128, 64, 3), (30, 4, 128, 128, 3), (100, 8, 64, 64, 3),
        (60, 5, 1, 258, 256), (20, 4, 1, 258, 256), (1, 100, 1, 258, 256), (1, 400, 1, 514, 512),
        (1, 3200, 1, 64, 10),
        (1, 1, 64, 64, 1), (1, 1, 512, 512, 1), (1, 1, 512, 128, 1), (1, 1, 512, 2048, 1),
        (60, 1, 64, 128, 3), (60, 1, 64, 64, 3), (8, 1, 128, 128, 3), (30, 1, 256, 256, 3),
    ),
    transformers=(
        (16, 1, 512, 2048, 4), (16, 1, 512, 2048, 16), (8, 1, 256, 1024, 12), (12, 1, 384, 1024, 10),
        (12, 1, 768, 3072, 4), (4, 1, 192, 640, 6), (8, 1, 320, 1280, 24), (16, 1, 1024, 4096, 2),
        (8, 1, 512, 1024, 12), (8, 64, 256, 1024, 6), (16, 100, 512, 2048, 8), (2, 120, 192, 768, 6),
        (6, 50, 384, 1536, 12), (12, 200, 768, 2048, 2), (4, 40, 320, 1280, 16), (8, 250, 512, 1536, 3),
        (2, 1, 128, 512, 8), (6, 1, 288, 1152, 8), (8, 1, 256, 1024, 3), (6, 1, 384, 1536, 4),
        (10, 1, 640, 2560, 3), (14, 1, 448, 1792, 10), (16, 1, 512, 2048, 9), (16, 1, 512, 2048, 24),
        (12, 1, 768, 3072, 8), (6, 80, 288, 1152, 6), (4, 135, 448, 1792, 4), (10, 30, 640, 2560, 2),
    ),
    steps=(
        (16, 512, 2048, 24), (16, 512, 2048, 12), (9, 288, 1152, 8), (4, 192, 640, 6), (8, 256, 1024, 4),
        (12, 384, 1536, 6), (2, 128, 512, 3), (8, 512, 1536, 3),
        (8, 256, 1024, 6), (10, 320, 1280, 5), (6, 192, 768, 11), (14, 448, 1792, 4),
    ),
    residuals=(
        (250, 256, 3), (400, 256, 11), (2000, 128, 7), (4000, 64, 3), (5000, 64, 11), (8000, 48, 7),
        (12000, 32, 3), (16000, 24, 11), (24000, 16, 7), (40000, 12, 3), (100, 192, 5), (300, 384, 5),
    ),
)  # fmt: skip

_ELEMENT_FAMILIES = (
    "elementwise", "binary", "transcendental", "copy", "transpose",
    "quantize", "quantize_dynamic", "lookup", "qlinear",
)  # fmt: skip
_MOST_LINKS = 800
_LEAST_WORK = 1e5
_CONVOLUTIONS = (("fp32", 4e9, 2), ("int8", 4e9, 2), ("int8_dynamic", 8e8, 4))  # work limit, every n-th point


def plan(level: str) -> list[Probe]:
    """The points of a level (``"quick"`` or ``"full"``), each once."""
    grid = _QUICK if level == "quick" else _FULL
    points = [Probe("view"), *_calls(grid), *_elements(grid), *_rows(grid)]
    points += [
        *_blocks_of_models(grid),
        *_row_products(grid),
        *_tall_products(grid),
        *_convolutions(grid),
        *_other_convolutions(grid),
    ]
    return list(dict.fromkeys(points))


def _calls(grid: Grid) -> Iterator[Probe]:
    for m in (1, 8, 48):
        yield Probe("call", m=m, n=16)
    for vocabulary, footprint in grid.choices:
        yield Probe("choose", n=vocabulary, footprint_bytes=footprint * MB)
    for n in grid.caches:
        for footprint in grid.cache_footprints_mb:
            yield Probe("cache", n=n, footprint_bytes=footprint * MB)


def _elements(grid: Grid) -> Iterator[Probe]:
    for n in grid.elements:
        for family in _ELEMENT_FAMILIES:
            yield Probe(family, n=n)
        for precision in ("fp32", "int8"):
            yield Probe("transpose_last", precision, n=max(n, 256))
        yield Probe("pool_nchwc", n=max(n, 1024), taps=4)


def _rows(grid: Grid) -> Iterator[Probe]:
    for rows, width in grid.norms:
        yield Probe("norm", m=rows, n=width)
        yield Probe("skip_norm", m=rows, n=width)
        yield Probe("reduce", m=rows, n=width)
    for rows, width in grid.softmaxes:
        yield Probe("softmax", m=rows, n=width)
    for steps, hidden in grid.recurrences:
        yield Probe("recurrent", m=steps, k=2 * hidden, n=3 * hidden, taps=steps)
    for heads, width in grid.heads:
        for queries, keys in grid.attention:
            yield Probe("bmm", batch=heads, m=queries, k=width, n=keys)
    for heads in dict.fromkeys(heads for heads, _ in grid.heads):
        for keys, width in grid.cached:
            yield Probe("attention", batch=heads, m=1, k=heads * width, n=keys)


def _blocks_of_models(grid: Grid) -> Iterator[Probe]:
    """Whole blocks: what operators cost beside others."""
    for heads, rows, width, inner, layers in grid.transformers:
        for precision in ("fp32", "int8", "int4"):
            yield Probe("block_transformer", precision, heads, rows, width, inner, layers)
    for heads, width, inner, layers in grid.steps:
        for precision in ("fp32", "int8", "int4"):
            yield Probe("block_step", precision, heads, 1, width, inner, layers)
    for positions, channels, taps in grid.residuals:
        for precision in ("fp32", "int8"):
            yield Probe("block_residual", precision, 1, positions, channels * taps, channels, taps)


def _blocks(precision: str) -> tuple[int, ...]:
    """How narrow weights share scales; see :class:`~autocompress.hardware.graph.Operator`."""
    return {"fp32": (1,), "int8": (1, SCALE_BY_COLUMN)}.get(precision, (32, 128))


def _often(sizes: tuple[int, ...], precision: str, block: int) -> tuple[int, ...]:
    """A second way to share scales is measured half as often: it differs little from the first."""
    return sizes if block == _blocks(precision)[0] else sizes[len(sizes) > 1 :: 2]


def _row_products(grid: Grid) -> Iterator[Probe]:
    """One row: the weights' way from the memory decides."""
    for precision, footprints in grid.footprints_mb.items():
        for block in _blocks(precision):
            for k, n in grid.row_products:
                for footprint in (size * MB for size in _often(footprints, precision, block)):
                    if k % block == 0 and n % block == 0 and footprint / (k * n) < _MOST_LINKS:
                        yield Probe("gemm", precision, m=1, k=k, n=n, taps=block, footprint_bytes=footprint)


def _tall_products(grid: Grid) -> Iterator[Probe]:
    """Many rows: arithmetic decides."""
    for precision in grid.footprints_mb:
        for block in _blocks(precision):
            for rows in _often(grid.rows, precision, block):
                for k, n in grid.tall_products:
                    if k % block == 0:
                        footprint = 8 * MB
                        yield Probe(
                            "gemm", precision, m=rows, k=k, n=n, taps=block, footprint_bytes=footprint
                        )


def _convolutions(grid: Grid) -> Iterator[Probe]:
    """A checkerboard over channels, positions and taps, in the range of work that speech models have."""
    for precision, limit, stride in _CONVOLUTIONS:
        for i, (c_in, c_out) in enumerate(grid.channels):
            for j, m in enumerate(grid.positions):
                for t, taps in enumerate(grid.taps):
                    in_range = _LEAST_WORK < 2.0 * m * c_in * taps * c_out < limit
                    if in_range and ((i + j + t) % stride == 0 or len(grid.taps) == 1):
                        yield Probe("conv", precision, m=m, k=c_in * taps, n=c_out, taps=taps)


def _other_convolutions(grid: Grid) -> Iterator[Probe]:
    for channels, m in grid.upsampling:
        for taps in (4, 8, 16):
            yield Probe("conv_transpose", m=m, k=channels, n=channels // 2 * taps, taps=taps)
        yield Probe("depthwise", batch=channels, m=m, k=7, n=1, taps=7)
    for side, c_in, c_out in grid.images:
        yield Probe("conv_nchwc", m=side * side, k=c_in * 9, n=c_out, taps=9)
    for batch, m, c_in, c_out, taps in grid.frames:
        family = conv_family("fp32", m, c_in)
        yield Probe(family, batch=batch, m=m, k=c_in * taps, n=c_out, taps=taps)
    for channels, m in grid.dilated:
        for taps in grid.taps:
            if taps > 1:
                yield Probe("conv_dilated", "int8", m=m, k=channels * taps, n=channels, taps=taps)
