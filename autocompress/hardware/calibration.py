"""Fits a device from a handful of runs: physically derived components, a rate each, a prior on every rate.

A run takes ``Σ_j rate_j · component_j`` seconds: the components are counts of work, traffic or operators, all
known before measuring, and the rates belong to the device. Rates are positive, so the model is linear in
``exp(θ)``; runs have outliers (a throttled board, a cold cache), so residuals of the logarithm are Student-t.
The posterior has several modes ("all dispatch", "all arithmetic"); each is found from its own start, and they
are averaged by Laplace evidence (MacKay, Information Theory, Inference, and Learning Algorithms, ch. 27).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STUDENT_FREEDOM = 4.0  # heavy tails, finite variance; 3 to 8 give the same errors
NOISE_LOG_SIGMA = 0.03  # repeatability of a run on an idle machine, the mode of the noise's prior
NOISE_PRIOR_RUNS = 2.0  # how many runs' worth of belief that is
MAX_STEPS = 60
_DISTINCT = 0.05  # modes closer than this in every rate are one
_FLAT = 1e-6  # precision of a flat prior


@dataclass(frozen=True)
class Rate:
    """An unknown of the device: log-normal around ``mean``; it multiplies the components named in ``of``."""

    name: str
    mean: float
    log_sd: float
    of: tuple[str, ...]
    is_regime: bool = False  # the posterior's modes differ in this one: start from several values


@dataclass(frozen=True)
class Prior:
    """Component names in column order and the rates behind them; an overall scale is always free."""

    components: tuple[str, ...]
    rates: tuple[Rate, ...]

    def mixing(self) -> Array:
        """Which log rates add up to each component's, the scale first; [components, 1 + rates]."""
        rows = [[1.0, *(float(name in rate.of) for rate in self.rates)] for name in self.components]
        return np.array(rows)

    def log_mean(self) -> Array:
        return np.array([0.0, *(np.log(rate.mean) for rate in self.rates)])

    def precision(self) -> Array:
        return np.array([_FLAT, *(rate.log_sd**-2 for rate in self.rates)])

    def starts(self) -> list[Array]:
        """Where to look for modes: each regime rate from two deviations below to two above its mean."""
        found = [self.log_mean()]
        for i, rate in enumerate(self.rates, start=1):
            if rate.is_regime:
                steps = rate.log_sd * np.array([-2.0, -1.0, 1.0, 2.0])
                found += [self.log_mean() + step * np.eye(len(found[0]))[i] for step in steps]
        return found


@dataclass(frozen=True)
class Mode:
    """A peak of the posterior: log rates [1 + rates], their covariance, the noise's variance, weight."""

    log_rates: Array
    covariance: Array
    noise_variance: float
    weight: float


@dataclass(frozen=True)
class Forecast:
    """Medians [rows] and the log-normal width of each [rows]."""

    median: Array
    log_sigma: Array


@dataclass(frozen=True)
class Calibrated:
    """A device after its runs."""

    prior: Prior
    modes: tuple[Mode, ...]

    def predict(self, components: Array) -> Forecast:
        """Latencies for components [rows, components], in the unit of the runs."""
        mixing = self.prior.mixing()
        means, variances = [], []
        for mode in self.modes:
            log_time, slopes = _log_model(mode.log_rates, mixing, components)
            means.append(log_time)
            spread = np.einsum("rk,kl,rl->r", slopes, mode.covariance, slopes)
            variances.append(spread + mode.noise_variance * STUDENT_FREEDOM / (STUDENT_FREEDOM - 2))
        weights = np.array([mode.weight for mode in self.modes])[:, None]
        middle = np.sum(weights * means, axis=0)
        variance = np.sum(weights * (np.array(variances) + (np.array(means) - middle) ** 2), axis=0)
        return Forecast(np.exp(middle), np.sqrt(variance))

    def rate(self, name: str) -> float:
        """The device's value of a rate, averaged over the modes; relative to the overall scale."""
        index = 1 + [rate.name for rate in self.prior.rates].index(name)
        return float(np.exp(sum(mode.weight * mode.log_rates[index] for mode in self.modes)))

    def scale(self) -> float:
        """The overall scale: seconds (or the runs' unit) a unit of the components."""
        return float(np.exp(sum(mode.weight * mode.log_rates[0] for mode in self.modes)))


def calibrate(components: Array, latency: Array, prior: Prior) -> Calibrated:
    """Posterior of a device's rates from runs: components [runs, components], latency [runs], in any unit."""
    peaks = [_climb(_Problem(components, np.log(latency), prior), start) for start in prior.starts()]
    peaks.sort(key=lambda peak: -peak.log_evidence)
    distinct: list[_Peak] = []
    for peak in peaks:
        if all(np.abs(peak.log_rates - other.log_rates).max() > _DISTINCT for other in distinct):
            distinct.append(peak)
    weights = np.exp([peak.log_evidence - distinct[0].log_evidence for peak in distinct])
    return Calibrated(
        prior, tuple(_mode(p, float(w / weights.sum())) for p, w in zip(distinct, weights, strict=True))
    )


@dataclass(frozen=True)
class _Peak:
    log_rates: Array
    hessian: Array
    noise_variance: float
    log_evidence: float


def _mode(peak: _Peak, weight: float) -> Mode:
    covariance: Array = np.linalg.inv(peak.hessian).astype(np.float64)
    return Mode(peak.log_rates, covariance, peak.noise_variance, weight)


def _log_model(log_rates: Array, mixing: Array, components: Array) -> tuple[Array, Array]:
    """Log latency [rows] and its slope in each log rate [rows, 1 + rates]."""
    parts = components * np.exp(mixing @ log_rates)
    total = parts.sum(axis=1)
    return np.log(total), parts @ mixing / total[:, None]


class _Problem:
    """Negative log posterior of rates and noise, and its weighted least-squares form at a point."""

    def __init__(self, components: Array, log_latency: Array, prior: Prior) -> None:
        self.components, self.log_latency = components, log_latency
        self.mixing, self.precision, self.center = prior.mixing(), prior.precision(), prior.log_mean()

    def scaled(self, log_rates: Array) -> Array:
        """The point with the scale that fits the median run."""
        moved = log_rates.copy()
        moved[0] = 0.0
        moved[0] = np.median(self.log_latency - _log_model(moved, self.mixing, self.components)[0])
        return moved

    def residuals(self, log_rates: Array) -> Array:
        return self.log_latency - _log_model(log_rates, self.mixing, self.components)[0]

    def weights(self, residuals: Array, variance: float) -> Array:
        """Student-t as a scale mixture of Gaussians: how far each run is believed."""
        weights: Array = (STUDENT_FREEDOM + 1) / (STUDENT_FREEDOM + residuals**2 / variance)
        return weights

    def variance(self, residuals: Array, previous: float) -> float:
        """Noise variance: inverse-gamma prior with its mode at NOISE_LOG_SIGMA, one EM step."""
        explained = float(np.sum(self.weights(residuals, previous) * residuals**2))
        prior = (NOISE_PRIOR_RUNS + 2) * NOISE_LOG_SIGMA**2
        return (prior + explained) / (NOISE_PRIOR_RUNS + 2 + len(residuals))

    def unbiased(self, variance: float, hessian: Array) -> float:
        """The noise's variance with the runs that the rates have used up taken out."""
        used = len(hessian) - float(np.sum(self.precision * np.diag(np.linalg.inv(hessian))))
        total = NOISE_PRIOR_RUNS + 2 + len(self.log_latency)
        return variance * total / max(total - used, 1.0)

    def loss(self, log_rates: Array, variance: float) -> float:
        residuals = self.residuals(log_rates)
        tails = (STUDENT_FREEDOM + 1) / 2 * np.log1p(residuals**2 / (STUDENT_FREEDOM * variance))
        noise = (NOISE_PRIOR_RUNS + 2) / 2 * (np.log(variance) + NOISE_LOG_SIGMA**2 / variance)
        belief = self.precision * (log_rates - self.center) ** 2 / 2
        return float(tails.sum() + len(residuals) / 2 * np.log(variance) + noise + belief.sum())

    def normal_equations(self, log_rates: Array, variance: float) -> tuple[Array, Array]:
        """Hessian [k, k] and descent direction's right-hand side [k] of Gauss-Newton."""
        slopes = _log_model(log_rates, self.mixing, self.components)[1]
        residuals = self.residuals(log_rates)
        weights = self.weights(residuals, variance) / variance
        hessian = slopes.T @ (slopes * weights[:, None]) + np.diag(self.precision)
        return hessian, slopes.T @ (weights * residuals) - self.precision * (log_rates - self.center)


def _climb(problem: _Problem, start: Array) -> _Peak:
    """Levenberg-Marquardt from one start, the noise's variance re-estimated after each step."""
    rates = problem.scaled(start)
    problem.center[0] = rates[0]  # keeps the flat prior of the scale where the data is
    variance, damping = NOISE_LOG_SIGMA**2, 1e-2
    loss = problem.loss(rates, variance)
    for _ in range(MAX_STEPS):
        step, damping = _step(problem, rates, variance, damping)
        rates = rates + step
        variance = problem.variance(problem.residuals(rates), variance)
        previous, loss = loss, problem.loss(rates, variance)
        if abs(previous - loss) < 1e-7 and np.abs(step).max() < 1e-4:
            break
    hessian = problem.normal_equations(rates, variance)[0]
    evidence = -loss - float(np.linalg.slogdet(hessian)[1]) / 2
    return _Peak(rates, hessian, problem.unbiased(variance, hessian), evidence)


def _step(problem: _Problem, rates: Array, variance: float, damping: float) -> tuple[Array, float]:
    """A step that does not climb the loss, and the damping to go on with; zeros when there is none."""
    hessian, direction = problem.normal_equations(rates, variance)
    loss = problem.loss(rates, variance)
    for _ in range(8):
        full = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), direction)
        step: Array = np.asarray(full * min(1.0, 2.0 / max(float(np.abs(full).max()), 1e-12)))
        if problem.loss(rates + step, variance) <= loss + 1e-12:
            return step, max(damping / 5, 1e-9)
        damping *= 6
    return np.zeros_like(rates), damping


def spread_of(residuals: Sequence[float]) -> float:
    """Log-normal width of validation residuals: the half-width that holds 90 % of them, over 1.645."""
    return float(np.quantile(np.abs(np.asarray(residuals)), 0.9) / 1.645)
