"""Which tier to speak with: the best one that keeps the deadline at the speed that was last measured."""

from dataclasses import dataclass

REFERENCE_AUDIO_S = 4.0
"""The reference workload's length (100 tokens at 25 Hz), which a deadline is given for."""
_SPARE = 0.8
"""A better tier is taken up again only when it would use at most this share of the time allowed."""
_NEWEST = 0.6
"""Weight of the newest measurement."""


def allowed_s(deadline_s: float, audio_s: float) -> float:
    """Time for a sentence of ``audio_s``: the deadline up to the reference length, then in proportion."""
    return deadline_s * max(1.0, audio_s / REFERENCE_AUDIO_S)


@dataclass(frozen=True)
class Decision:
    """The tier to use, and why."""

    tier: int
    reason: str


class Pace:
    """Watches the real-time factor of synthesis, tier by tier (0 is the best), and chooses the next one.

    How slow a better tier would be now is the ratio measured around the first step down, times the speed of
    the present tier: when the load goes, the present tier speeds up, and the better one is taken up again.
    """

    def __init__(self, tiers: int) -> None:
        self._tiers = tiers
        self._rtf: list[float | None] = [None] * tiers
        self._ratio: list[float | None] = [None] * tiers  # of tier i over tier i + 1
        self.tier = 0

    def decide(self, deadline_s: float | None, spent_s: float, audio_s: float) -> Decision:
        """The tier for a sentence of ``audio_s`` whose tokens took ``spent_s``."""
        before = self.tier
        if deadline_s is None:
            self.tier = 0
            return Decision(0, "no deadline")
        limit = allowed_s(deadline_s, audio_s)
        expected = [self._expected_s(tier, spent_s, audio_s) for tier in range(self._tiers)]
        self.tier = self._best(limit, expected)
        word = "would miss" if self.tier > before else "keeps"
        shown = expected[min(before, self.tier)]
        time = "an unmeasured time" if shown is None else f"{shown:.2f} s"
        return Decision(self.tier, f"{time} {word} the {limit:.2f} s allowed for {audio_s:.1f} s of speech")

    def record(self, seconds: float, audio_s: float) -> None:
        """What the present tier just took to synthesize ``audio_s``."""
        rtf, last = seconds / audio_s, self._rtf[self.tier]
        first_here = last is None
        self._rtf[self.tier] = rtf if last is None else _NEWEST * rtf + (1 - _NEWEST) * last
        better = self._rtf[self.tier - 1] if self.tier > 0 else None
        if better is not None and (first_here or self._ratio[self.tier - 1] is None):
            self._ratio[self.tier - 1] = max(1.0, better / rtf)

    def _best(self, limit_s: float, expected_s: list[float | None]) -> int:
        for tier, time in enumerate(expected_s):
            share = _SPARE if tier < self.tier else 1.0
            if time is None or time <= share * limit_s:
                return tier
        return self._tiers - 1

    def _expected_s(self, tier: int, spent_s: float, audio_s: float) -> float | None:
        rtf = self._expected_rtf(tier)
        return None if rtf is None else spent_s + rtf * audio_s

    def _expected_rtf(self, tier: int) -> float | None:
        """The present factor of a tier; None when nothing was measured."""
        if tier >= self.tier:
            return self._rtf[tier]
        now = self._rtf[self.tier]
        for step in range(self.tier - 1, tier - 1, -1):
            ratio = self._ratio[step]
            now = None if now is None or ratio is None else now * ratio
        return now
