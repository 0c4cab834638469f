"""One measured value with its interval and where it comes from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, get_args

Source = Literal["exact", "measured", "calibrated", "estimated"]


@dataclass(frozen=True)
class Measurement:
    """A value of the quantity ``key``, between ``low`` and ``high`` at ``confidence`` (two-sided).

    ``value`` is the median. ``exact`` means counted, so low = value = high. NaN is refused: a candidate that
    produced one has failed, and a failure is not a measurement.
    """

    key: str
    value: float
    low: float
    high: float
    source: Source
    confidence: float = 0.9

    def __post_init__(self) -> None:
        numbers = (self.low, self.value, self.high)
        if not all(math.isfinite(x) for x in numbers):
            raise ValueError(f"{self.key} must be finite numbers, got low, value, high = {numbers}")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.key} needs low <= value <= high, got {numbers}")
        if not 0.0 < self.confidence < 1.0:
            raise ValueError(f"confidence of {self.key} must lie between 0 and 1, got {self.confidence}")
        if self.source not in get_args(Source):
            raise ValueError(f"source of {self.key} must be one of {get_args(Source)}, got {self.source!r}")

    @staticmethod
    def exact(key: str, value: float) -> "Measurement":
        """A counted value, without uncertainty."""
        return Measurement(key, value, value, value, "exact")

    def upper(self, confidence: float) -> float:
        """The value that is not exceeded with probability ``confidence`` (one-sided)."""
        return self.value + (self.high - self.value) * self._stretch(confidence)

    def lower(self, confidence: float) -> float:
        """The value that is reached with probability ``confidence`` (one-sided)."""
        return self.value - (self.value - self.low) * self._stretch(confidence)

    def _stretch(self, confidence: float) -> float:
        """How far towards an end of the interval a one-sided bound lies, each half taken as normal."""
        normal = NormalDist()
        return normal.inv_cdf(confidence) / normal.inv_cdf((1.0 + self.confidence) / 2.0)

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))  # asdict copies deeply: a tenth of what saving a trial costs

    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> "Measurement":
        return Measurement(**fields)
