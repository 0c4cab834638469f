"""What a candidate will lose: the table's sum, corrected by a Gaussian process on everything measured so far.

On a log scale, loss = a + b * log(sum of the table) + residual. The residual's kernel has an additive part
(a choice was mismeasured, or matters more than believed) and a product part (choices that hurt more
together).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from autocompress.study.encoding import Encoding, Rows
from autocompress.study.program import Floats, Quality

_LENGTHS = (0.5, 1.0, 2.0)
_MIXES = (0.3, 0.8)  # share of the additive part
_NOISES = (1e-3, 1e-2, 1e-1)  # of the residual's own variance
_TRUST = 4.0  # measurements that the belief a = 0, b = 1 counts for


@dataclass(frozen=True)
class Belief:
    """Median and standard deviation of log loss."""

    log_median: Floats
    log_deviation: Floats
    floor: float

    def loss(self, deviations: float = 0.0) -> Floats:
        """Loss so many standard deviations above the median."""
        return np.maximum(0.0, np.exp(self.log_median + deviations * self.log_deviation) - self.floor)

    def at(self, rows: Sequence[int]) -> "Belief":
        """Of some rows only."""
        return Belief(self.log_median[rows], self.log_deviation[rows], self.floor)


@dataclass(frozen=True)
class Kernel:
    length: float
    mix: float
    noise: float


class Surrogate:
    """A belief over every row, from the table ``quality`` and the measured ``rows`` and ``losses``."""

    def __init__(
        self, encoding: Encoding, quality: Quality, rows: Rows, losses: Floats, kernel: Kernel | None = None
    ) -> None:
        counts = encoding.n_options + 1
        self._starts = np.cumsum(counts) - counts + 1  # [n_choices], of each one's options; inactive before
        self._single = np.concatenate([np.append(0.0, q) for q in quality])  # loss of each option alone
        self._weights = np.array([max(1e-9, float(q.max())) for q in quality])
        self._weights = self._weights / self._weights.sum()
        positive = losses[losses > 0]
        self.floor = 0.03 * float(np.median(positive)) if len(positive) else 1e-3
        target = np.log(losses + self.floor)
        self._rows = rows
        self._onehot = self._features(rows)
        self._slope = self._calibrate(self._prior(rows), target)
        residual = target - self._trend(rows)
        self._scale = max(float(residual.var()), 1e-4)
        self.kernel = kernel or self._likeliest(residual)
        gram = self._gram(self._onehot, self._onehot, self.kernel)
        self._factor = cho_factor(gram + self.kernel.noise * self._scale * np.eye(len(rows)), lower=True)
        self._alpha = cho_solve(self._factor, residual)

    def median_loss(self, rows: Rows) -> Floats:
        """Median loss of each of ``rows``; a third of the price of the whole belief."""
        cross = self._gram(self._features(rows), self._onehot, self.kernel)
        log_median = self._trend(rows) + cross @ self._alpha
        return np.asarray(np.maximum(0.0, np.exp(log_median) - self.floor))

    def believe(self, rows: Rows) -> Belief:
        """Belief about each of ``rows``."""
        cross = self._gram(self._features(rows), self._onehot, self.kernel)
        median = self._trend(rows) + cross @ self._alpha
        explained = np.einsum("ij,ji->i", cross, cho_solve(self._factor, cross.T))
        return Belief(median, np.sqrt(np.maximum(self._scale - explained, 1e-9)), self.floor)

    def _prior(self, rows: Rows) -> Floats:
        single = self._single[self._starts + rows]  # [n, n_choices]
        return np.asarray(np.log(np.ascontiguousarray(single.T).sum(axis=0) + self.floor))

    def _trend(self, rows: Rows) -> Floats:
        intercept, slope = self._slope
        return np.asarray(intercept + slope * self._prior(rows))

    def _calibrate(self, prior: Floats, target: Floats) -> tuple[float, float]:
        """Least squares of target on prior, drawn towards the identity."""
        design = np.column_stack([np.ones(len(prior)), prior - prior.mean()])
        spread = float(prior.var()) or 1.0
        ridge = _TRUST * np.diag([1.0 / 4.0, spread])
        shift, tilt = np.linalg.solve(design.T @ design + ridge, design.T @ (target - prior))
        return float(shift - tilt * prior.mean()), float(1.0 + tilt)

    def _features(self, rows: Rows) -> Floats:
        """One-hot options scaled so that a dot product adds up the weights of equal choices; [n, n_hot]."""
        hot = np.zeros((len(rows), len(self._single)))
        hot[np.arange(len(rows))[:, None], self._starts + rows] = np.sqrt(self._weights)
        return hot

    def _gram(self, a: Floats, b: Floats, kernel: Kernel) -> Floats:
        alike = a @ b.T  # weight of the choices on which two rows agree, 0 to 1
        joint = np.exp((alike - 1.0) / kernel.length * 4.0)
        return np.asarray(self._scale * (kernel.mix * alike + (1.0 - kernel.mix) * joint))

    def _likeliest(self, residual: Floats) -> Kernel:
        kernels = [Kernel(*values) for values in product(_LENGTHS, _MIXES, _NOISES)]
        return max(kernels, key=lambda kernel: self._log_likelihood(residual, kernel))

    def _log_likelihood(self, residual: Floats, kernel: Kernel) -> float:
        gram = self._gram(self._onehot, self._onehot, kernel)
        factor = cho_factor(gram + kernel.noise * self._scale * np.eye(len(residual)), lower=True)
        fit = residual @ cho_solve(factor, residual)
        return float(-0.5 * fit - np.log(np.diag(factor[0])).sum())
