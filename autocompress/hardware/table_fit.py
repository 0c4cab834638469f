"""How well a few runs calibrate a device: random rows calibrate, all others test, many draws."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autocompress.errors import ProfileError
from autocompress.hardware.calibration import Array, calibrate
from autocompress.hardware.transformer_table import TransformerTable

_INTERVAL = 1.6448536269514722  # standard normal quantile of a 90 % interval


@dataclass(frozen=True)
class Draw:
    """One split: relative errors [tested], their intervals' hit rate, and the rank correlation."""

    measured: Array
    predicted: Array
    log_sigma: Array

    @property
    def errors(self) -> Array:
        return np.abs(self.predicted / self.measured - 1)

    @property
    def coverage(self) -> float:
        """Share of the tested rows inside their 90 % interval."""
        distance = np.abs(np.log(self.measured / self.predicted))
        return float(np.mean(distance <= _INTERVAL * self.log_sigma))


@dataclass(frozen=True)
class FitReport:
    """Means over the draws; ``worst_draw`` is the largest mean error of any. All are fractions."""

    mean_error: float
    within_10_percent: float
    worst_draw: float
    spearman: float
    coverage_90: float
    draws: tuple[Draw, ...]

    def summary(self) -> dict[str, float]:
        """What ``devices fit --json`` prints."""
        names = ("mean_error", "within_10_percent", "worst_draw", "spearman")
        return {name: getattr(self, name) for name in names}

    def text(self) -> str:
        """The same for a person."""
        return (
            f"mean error {self.mean_error:.2%}, within ±10 % {self.within_10_percent:.1%}, "
            f"worst draw {self.worst_draw:.2%}, rank correlation {self.spearman:.3f}, "
            f"inside the 90 % interval {self.coverage_90:.1%} ({len(self.draws)} draws)"
        )

    def page(self, title: str) -> str:
        """Predicted against measured of the median draw, as a self-contained HTML page."""
        import plotly.graph_objects as go

        draw = sorted(self.draws, key=lambda d: float(d.errors.mean()))[len(self.draws) // 2]
        ends = [float(draw.measured.min()), float(draw.measured.max())]
        figure = go.Figure()
        figure.add_scatter(x=draw.measured, y=draw.predicted, mode="markers", name="rows", marker_opacity=0.5)
        for factor, name in ((1.0, "equal"), (1.1, "+10 %"), (0.9, "−10 %")):
            dash = "solid" if factor == 1.0 else "dot"
            figure.add_scatter(x=ends, y=[factor * e for e in ends], mode="lines", line_dash=dash, name=name)
        figure.update_layout(
            title=f"{title}<br>{self.text()}", xaxis_title="measured", yaxis_title="predicted"
        )
        return str(figure.to_html(include_plotlyjs=True))


def fit_table(table: TransformerTable, n_calibrate: int, n_draws: int, seed: int = 0) -> FitReport:
    """Calibrate on ``n_calibrate`` random rows and test on the rest, ``n_draws`` times."""
    rows = len(table.latency)
    _refuse_counts(rows, n_calibrate, n_draws)
    generator = np.random.default_rng(seed)
    draws = tuple(_draw(table, generator.permutation(rows), n_calibrate) for _ in range(n_draws))
    errors = [float(draw.errors.mean()) for draw in draws]
    return FitReport(
        mean_error=float(np.mean(errors)),
        within_10_percent=float(np.mean([np.mean(draw.errors <= 0.1) for draw in draws])),
        worst_draw=max(errors),
        spearman=float(np.mean([_spearman(draw.predicted, draw.measured) for draw in draws])),
        coverage_90=float(np.mean([draw.coverage for draw in draws])),
        draws=draws,
    )


def _refuse_counts(rows: int, n_calibrate: int, n_draws: int) -> None:
    if rows < 3:
        raise ProfileError(
            f"a table of {rows} rows calibrates nothing: 1 must calibrate and 2 must test. Add rows."
        )
    if not 1 <= n_calibrate <= rows - 2:
        raise ProfileError(
            f"--calibrate {n_calibrate} was asked of a table of {rows} rows; at least 1 must calibrate "
            f"and 2 must be left to test. Choose from 1 to {rows - 2}."
        )
    if n_draws < 1:
        raise ProfileError(f"--draws must be at least 1, found {n_draws}.")


def _draw(table: TransformerTable, order: NDArray[np.int64], n_calibrate: int) -> Draw:
    known, tested = order[:n_calibrate], order[n_calibrate:]
    device = calibrate(table.components[known], table.latency[known], table.prior)
    forecast = device.predict(table.components[tested])
    return Draw(table.latency[tested], forecast.median, forecast.log_sigma)


def _spearman(left: Array, right: Array) -> float:
    """Rank correlation; 0 where one side is constant (every prediction alike ranks nothing)."""
    from scipy.stats import rankdata

    ranks = [rankdata(side) for side in (left, right)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
