"""The nine quantities that a request can limit, and which values make sense."""

import math
from dataclasses import dataclass
from typing import Literal

Dimension = Literal["size", "time", "factor", "share", "points"]


@dataclass(frozen=True)
class Quantity:
    """What can be limited: ``bound`` is the side that makes sense, ``above < value <= most``."""

    field: str
    label: str
    dimension: Dimension
    unit: str
    bound: Literal["max", "min"]
    above: float
    most: float
    example: str

    @property
    def sign(self) -> str:
        """The comparison of the printed line."""
        return "<=" if self.bound == "max" else ">="

    @property
    def words(self) -> str:
        """The comparison in words."""
        return "at most" if self.bound == "max" else "at least"

    @property
    def title(self) -> str:
        """The label as a sentence begins."""
        return self.label[0].upper() + self.label[1:]

    def fault(self, value: float) -> str | None:
        """Why the value cannot be meant, to follow the label; or None."""
        if math.isnan(value) or math.isinf(value):
            return "must be a finite number"
        if value < 0:
            return "cannot be negative"
        if value <= self.above or value > self.most:
            return f"must be above {self.above:g} and at most {self.most:g} {self.unit}".rstrip()
        return None

    def show(self, value: float) -> str:
        """The value as the printed line holds it: no unit, every digit, no needless '.0'."""
        return repr(value).removesuffix(".0")


_ALL = (
    Quantity("size_mb", "size", "size", "MB", "max", 1e-3, 1e6, "size < 80 MB"),
    Quantity("latency_s", "latency", "time", "s", "max", 1e-4, 3600.0, "latency < 1 s"),
    Quantity("first_audio_s", "first audio", "time", "s", "max", 1e-4, 3600.0, "first audio < 300 ms"),
    Quantity("rtf", "real-time factor", "factor", "", "max", 1e-4, 1000.0, "rtf < 0.5"),
    Quantity("memory_mb", "memory", "size", "MB", "max", 1e-3, 1e7, "memory < 500 MB"),
    Quantity("similarity", "similarity", "share", "", "min", 0.0, 1.0, "similarity > 0.8"),
    Quantity("sid", "SID (speaker identity distance)", "share", "", "max", 0.0, 1.0, "sid < 0.25"),
    Quantity("mos", "MOS", "points", "", "min", 0.0, 5.0, "MOS > 3.5"),
    Quantity("cer", "CER (character error rate)", "share", "", "max", 0.0, 1.0, "CER < 5%"),
)
QUANTITIES = {quantity.field: quantity for quantity in _ALL}
