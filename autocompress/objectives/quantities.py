"""The quantities that a request may bound or a search may optimise, with unit and better direction."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

Direction = Literal["min", "max"]


@dataclass(frozen=True)
class Quantity:
    """A measurable property of a candidate.

    ``better`` is the direction of improvement; ``range`` the values that make physical sense.
    """

    key: str
    unit: str
    better: Direction
    meaning: str
    range: tuple[float, float] = (0.0, float("inf"))


QUANTITIES: dict[str, Quantity] = {
    q.key: q
    for q in (
        Quantity("size_mb", "MB", "min", "files that the device needs to speak; 1 MB = 10^6 bytes"),
        Quantity("latency_s", "s", "min", "time to speak the reference workload"),
        Quantity("first_audio_s", "s", "min", "time to the first sound"),
        Quantity("rtf", "1", "min", "latency over the length of the audio"),
        Quantity("memory_mb", "MB", "min", "peak memory while speaking"),
        Quantity(
            "similarity", "1", "max", "cosine of speaker embeddings to the reference voice", (-1.0, 1.0)
        ),
        Quantity("sid", "1", "min", "speaker identity distance, 1 - similarity", (0.0, 2.0)),
        Quantity("mos", "MOS", "max", "predicted mean opinion score", (0.0, 5.0)),
        Quantity("cer", "1", "min", "character error rate of a recogniser"),
        Quantity("divergence", "nats", "min", "teacher-forced divergence from the teacher"),
        Quantity("quality_loss", "1", "min", "what a rung calls loss of quality against the teacher"),
    )
}
"""Every known quantity by key."""

CONSTRAINT_KEYS: tuple[str, ...] = tuple(QUANTITIES)[:9]
"""The keys that a request may bound (design.md, section 4)."""


def known_quantity(key: str) -> Quantity:
    """The quantity named ``key``; a ``ValueError`` names the nearest known one."""
    if key in QUANTITIES:
        return QUANTITIES[key]
    near = get_close_matches(key, QUANTITIES, n=1, cutoff=0.0)[0]
    raise ValueError(f"unknown quantity {key!r}; did you mean {near!r}? Known: {', '.join(QUANTITIES)}")


@dataclass(frozen=True)
class Objective:
    """A quantity to improve, in its own better direction."""

    key: str

    def __post_init__(self) -> None:
        known_quantity(self.key)

    @property
    def better(self) -> Direction:
        return QUANTITIES[self.key].better

    def loss(self, value: float) -> float:
        """``value`` with its sign set so that smaller is better."""
        return value if self.better == "min" else -value

    def value(self, loss: float) -> float:
        """The inverse of :meth:`loss`."""
        return loss if self.better == "min" else -loss


DEFAULT_OBJECTIVES: tuple[Objective, ...] = (
    Objective("size_mb"),
    Objective("latency_s"),
    Objective("quality_loss"),
)
"""Size, latency, loss of quality: the axes of the front."""
