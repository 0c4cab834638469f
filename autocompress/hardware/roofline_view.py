"""A device's roofline to look at: as text, as a Plotly page, as numbers."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autocompress.hardware.estimate import efficiencies_of
from autocompress.hardware.graph import Operator, read_graph
from autocompress.hardware.latency import how_far_trusted
from autocompress.hardware.operators import PRECISIONS, Column, OperatorColumns
from autocompress.hardware.profile import HardwareProfile
from autocompress.hardware.roofline import Machine, cost

_INTENSITIES = 2.0 ** np.arange(-4, 11, 0.25)  # operations a byte
_WIDTH, _HEIGHT = 64, 16


@dataclass(frozen=True)
class Point:
    """One operator on the roofline."""

    name: str
    intensity: float  # operations a byte
    gflop_s: float
    seconds: float


@dataclass(frozen=True)
class RooflineView:
    """The roof of a device at a number of threads, and operators under it."""

    device: str
    threads: int
    peak_gflop_s: float
    bandwidth_gb_s: float
    cache_gb_s: float
    points: tuple[Point, ...]
    kind: str
    log_sigma: float

    @property
    def spread(self) -> float:
        """Factor from the median to the ends of the 90 % interval."""
        return math.exp(1.645 * self.log_sigma)

    @property
    def ridge(self) -> float:
        """Operations a byte from which arithmetic, not memory, is the limit."""
        return self.peak_gflop_s / self.bandwidth_gb_s

    def roof(self, intensity: Column) -> Column:
        """GFLOP/s that memory and arithmetic allow."""
        return np.minimum(self.peak_gflop_s, self.bandwidth_gb_s * intensity)

    def document(self) -> dict[str, Any]:
        """The numbers of the plot."""
        return {
            "threads": self.threads,
            "peak_gflop_s": self.peak_gflop_s,
            "bandwidth_gb_s": self.bandwidth_gb_s,
            "cache_gb_s": self.cache_gb_s,
            "ridge_ops_per_byte": self.ridge,
            "operators": [vars(point) for point in self.points],
        }

    def text(self) -> str:
        """The roof in characters, logarithmic both ways; letters are operators, listed below."""
        roof = self.roof(_INTENSITIES)
        values = np.concatenate([roof, [p.gflop_s for p in self.points]])
        low, high = math.log2(values.min()), math.log2(values.max() * 1.2)
        canvas = [[" "] * _WIDTH for _ in range(_HEIGHT)]
        for x, y in zip(_INTENSITIES, roof, strict=True):
            _mark(canvas, x, y, low, high, "/" if x < self.ridge else "-")
        for i, point in enumerate(self.points):
            _mark(canvas, point.intensity, point.gflop_s, low, high, chr(ord("a") + i % 26))
        head = (
            f"roofline, fp32, {self.threads} thread(s): {self.peak_gflop_s:.4g} GFLOP/s, "
            f"{self.bandwidth_gb_s:.3g} GB/s from memory, ridge at {self.ridge:.3g} operations a byte"
        )
        axis = f"{'':8}+{'-' * _WIDTH}\n{'':9}1/16{'operations a byte':^{_WIDTH - 8}}1024"
        return "\n".join([head, *self._framed(canvas, low, high), axis, *self._legend()])

    def _framed(self, canvas: list[list[str]], low: float, high: float) -> list[str]:
        tops = [2 ** (high - (high - low) * row / (_HEIGHT - 1)) for row in range(_HEIGHT)]
        labels = [f"{top:8.3g}" if row % 5 == 0 else " " * 8 for row, top in enumerate(tops)]
        return [f"{label}|{''.join(line)}" for label, line in zip(labels, canvas, strict=True)]

    def _legend(self) -> list[str]:
        letters = (chr(ord("a") + i) for i in range(26))
        return [
            f"  {letter}  {p.name}: {p.gflop_s:.3g} GFLOP/s at {p.intensity:.3g}, {p.seconds * 1e3:.3g} ms"
            for letter, p in zip(letters, self.points, strict=False)
        ]

    def page(self) -> str:
        """A self-contained HTML page."""
        import plotly.graph_objects as go

        figure = go.Figure()
        figure.add_scatter(
            x=_INTENSITIES, y=self.roof(_INTENSITIES), mode="lines", name="memory and arithmetic"
        )
        cached = np.minimum(self.peak_gflop_s, self.cache_gb_s * _INTENSITIES)
        figure.add_scatter(x=_INTENSITIES, y=cached, mode="lines", line_dash="dot", name="from the caches")
        figure.add_scatter(
            x=[p.intensity for p in self.points],
            y=[p.gflop_s for p in self.points],
            text=[f"{p.name}<br>{p.seconds * 1e3:.4g} ms" for p in self.points],
            marker_size=[8 + 4 * math.log10(1 + 1e6 * p.seconds) for p in self.points],
            mode="markers",
            name="operators (size: time)",
            hovertemplate="%{text}<br>%{y:.3g} GFLOP/s at %{x:.3g} operations a byte<extra></extra>",
        )
        figure.update_layout(
            title=f"{self.device}, {self.threads} thread(s), fp32, {self.kind}",
            xaxis={"type": "log", "title": "operations a byte"},
            yaxis={"type": "log", "title": "GFLOP/s"},
        )
        return str(figure.to_html(include_plotlyjs=True))


def _mark(canvas: list[list[str]], x: float, y: float, low: float, high: float, sign: str) -> None:
    first, last = math.log2(_INTENSITIES[0]), math.log2(_INTENSITIES[-1])
    column = round((math.log2(max(x, 1e-9)) - first) / (last - first) * (_WIDTH - 1))
    row = round((high - math.log2(max(y, 1e-9))) / (high - low) * (_HEIGHT - 1))
    canvas[min(max(row, 0), _HEIGHT - 1)][min(max(column, 0), _WIDTH - 1)] = sign


def view_roofline(
    profile: HardwareProfile, threads: int | None = None, model: Path | None = None
) -> RooflineView:
    """The roofline of a device with the operators of a model, or with typical ones of a voice."""
    machine, efficiencies = Machine.of(profile, threads), efficiencies_of(profile)
    operators = _of_model(model) if model else typical_operators()
    columns = OperatorColumns.of(operators)
    seconds = cost(columns, machine, efficiencies).seconds
    fp32 = machine.peak_ops[PRECISIONS.index("fp32")]
    kind, log_sigma = how_far_trusted(profile)
    return RooflineView(
        device=profile.names.en,
        threads=machine.n_threads,
        peak_gflop_s=float(fp32 * machine.parallel_cores / 1e9),
        bandwidth_gb_s=float(machine.memory_bytes_s / 1e9),
        cache_gb_s=float(efficiencies.cache_bytes_per_cycle * machine.clock_hz * machine.n_threads / 1e9),
        points=tuple(_point(op, s) for op, s in zip(operators, seconds, strict=True)),
        kind=kind,
        log_sigma=log_sigma,
    )


def _point(op: Operator, seconds: float) -> Point:
    return Point(op.name, op.work / max(op.bytes, 1.0), float(op.work / seconds / 1e9), float(seconds))


_SHOWN = 25


def _of_model(path: Path) -> list[Operator]:
    """The operators of a graph with the most work; those without arithmetic have no place on a roofline."""
    working = [op for op in read_graph(path, optimization="extended").operators if op.work > 0]
    return sorted(working, key=lambda op: -op.work * op.count)[:_SHOWN]


def typical_operators() -> list[Operator]:
    """Products and convolutions of a GPT-SoVITS voice: a decode step, the prefill, the vocoder."""
    step = [_product(f"step, {k}→{n} ({p})", "gemm", 1, k, n, p) for k, n, p in _STEP]
    prefill = [_product("prefill, 135 rows, 512→2048", "gemm", 135, 512, 2048)]
    frames = ((256, 500), (128, 4000), (64, 8000), (32, 16000), (16, 32000))
    vocoder = [
        _product(f"vocoder, {c} channels, 7 taps", "conv", rows, c * 7, c, taps=7) for c, rows in frames
    ]
    return [*step, *prefill, *vocoder, _elements("vocoder, LeakyRelu", 32 * 16000)]


_STEP = ((512, 1536, "fp32"), (512, 2048, "fp32"), (2048, 512, "fp32"), (512, 2048, "int4"))


def _product(
    name: str, family: str, m: int, k: int, n: int, precision: str = "fp32", taps: int = 1
) -> Operator:
    width = 0.5625 if precision == "int4" else 4.0  # a scale for each block of 32 weights
    read, written = 4.0 * m * k / taps, 4.0 * m * n
    return Operator(
        name,
        family,
        family,
        precision,
        2.0 * m * k * n,
        read,
        written,
        width * k * n,
        m=m,
        k=k,
        n=n,
        taps=taps,
    )


def _elements(name: str, count: int) -> Operator:
    return Operator(
        name, "LeakyRelu", "elementwise", "fp32", float(count), 4.0 * count, 4.0 * count, 0.0, n=count
    )
