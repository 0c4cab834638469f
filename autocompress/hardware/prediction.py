"""A predicted time is a median with an interval, and says what it rests on."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from autocompress.errors import ProfileError

KINDS = ("measured", "calibrated", "estimated")
CONFIDENCE = 0.9
INTERVAL_SIGMAS = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
"""Widths from the median to either end of an interval."""


@dataclass(frozen=True)
class Prediction:
    """Seconds: the median and the ends of the interval that holds ``confidence`` of the outcomes.

    ``kind`` is ``measured`` (from tables measured on that device), ``calibrated`` (the model fitted with runs
    from that device) or ``estimated`` (public facts only); its validation residuals set the width.
    """

    median_s: float
    low_s: float
    high_s: float
    kind: str
    confidence: float = CONFIDENCE

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ProfileError(f"prediction kind must be one of {', '.join(KINDS)}, found {self.kind!r}")
        if not 0 <= self.low_s <= self.median_s <= self.high_s:
            raise ProfileError(
                "a prediction needs 0 <= low <= median <= high, "
                f"found {self.low_s} {self.median_s} {self.high_s}"
            )

    @classmethod
    def from_log_sigma(cls, median_s: float, log_sigma: float, kind: str) -> "Prediction":
        """Log-normal around the median: the interval is median × exp(±1.645 σ) at 90 %."""
        spread = math.exp(INTERVAL_SIGMAS * log_sigma)
        return cls(median_s, median_s / spread, median_s * spread, kind)

    @property
    def log_sigma(self) -> float:
        """The log-normal width that gives this interval."""
        if self.low_s <= 0:
            return math.inf
        quantile = NormalDist().inv_cdf((1 + self.confidence) / 2)
        return math.log(self.high_s / self.low_s) / (2 * quantile)

    def at_confidence(self, confidence: float) -> float:
        """Upper bound in seconds that holds with this one-sided probability (0.5 is the median)."""
        return self.median_s * math.exp(NormalDist().inv_cdf(confidence) * self.log_sigma)

    def __add__(self, other: "Prediction") -> "Prediction":
        """The sum of two stages of one device; errors share their cause, so half-widths add."""
        kind = max(self.kind, other.kind, key=KINDS.index)
        return Prediction(
            self.median_s + other.median_s,
            self.low_s + other.low_s,
            self.high_s + other.high_s,
            kind,
            self.confidence,
        )

    def scaled(self, factor: float) -> "Prediction":
        """This stage ``factor`` times over (100 decode steps, 3 vocoder windows)."""
        return Prediction(
            self.median_s * factor, self.low_s * factor, self.high_s * factor, self.kind, self.confidence
        )
