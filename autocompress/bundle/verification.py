"""Whether a bundle still is what it claims: everything measured again and set beside the manifest."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autocompress.bundle.graphs import GraphSettings
from autocompress.bundle.integrity import read_manifest
from autocompress.bundle.manifest import Claim
from autocompress.bundle.measuring import BundleMeasurements, measure_bundle
from autocompress.bundle.runtime import Bundle
from autocompress.errors import ClaimError
from autocompress.objectives import QUANTITIES, Measurement

Judge = Callable[[Bundle], Measurement]
"""Measures one quantity of speech; given by a higher layer, for it needs recognisers and predictors."""

_RELATIVE = {"size_mb": 0.01, "latency_s": 0.10, "first_audio_s": 0.10, "rtf": 0.10, "memory_mb": 0.10}
_ABSOLUTE = {"similarity": 0.01, "sid": 0.01, "mos": 0.05, "cer": 0.01}
_OF_THE_MACHINE = ("latency_s", "first_audio_s", "rtf", "memory_mb")


@dataclass(frozen=True)
class Check:
    """One claim against what was found; ``holds`` is None where it cannot be checked (``note`` says why)."""

    key: str
    claimed: float
    found: float | None
    limit: float | None
    holds: bool | None
    note: str = ""


@dataclass(frozen=True)
class Verification:
    """Every claim of a bundle, checked."""

    checks: tuple[Check, ...]
    measurements: BundleMeasurements

    @property
    def ok(self) -> bool:
        return all(check.holds is not False for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        found = self.measurements
        return {
            "ok": self.ok,
            "checks": [asdict(check) for check in self.checks],
            "measured": {key: value.to_dict() for key, value in (found.by_key | found.components).items()},
            "files": dict(found.size.counted),
            "apart": dict(found.size.apart),
            "machine": found.machine,
        }

    def as_text(self) -> str:
        """A table, one claim a line."""
        lines = [f"{'claim':14} {'claimed':>10} {'found':>10} {'limit':>10}"]
        for check in self.checks:
            word = {True: "holds", False: "FAILS", None: "not checked"}[check.holds]
            shown = [f"{_shown(value):>10}" for value in (check.claimed, check.found, check.limit)]
            lines.append(f"{check.key:14} {' '.join(shown)}  {word} {check.note}".rstrip())
        return "\n".join(lines)

    def raise_for_claims(self) -> None:
        """Raises ClaimError with the table when a claim does not hold."""
        if not self.ok:
            failed = ", ".join(check.key for check in self.checks if check.holds is False)
            raise ClaimError(
                f"claims that do not hold: {failed}.\n{self.as_text()}\nMeasure or produce it again."
            )


def verify(
    folder: str | Path,
    *,
    threads: int | None = None,
    rounds: int = 7,
    judges: Mapping[str, Judge] | None = None,
) -> Verification:
    """Check hashes (by loading), then measure again and compare with every claim.

    ``judges`` measure quality by key (similarity, mos, cer), those that are claimed. A latency claimed for
    another machine is not checked here. ``threads`` None takes the claims' own.
    """
    claims = read_manifest(Path(folder)).claims
    wanted = next((c.threads for c in claims if c.key == "latency_s"), 0) if threads is None else threads
    bundle = Bundle.load(folder, GraphSettings(wanted))
    measured = measure_bundle(folder, threads=wanted, rounds=rounds)
    claimed = {claim.key for claim in claims}
    judged = {key: judge(bundle) for key, judge in (judges or {}).items() if key in claimed}
    found = measured.by_key | judged
    return Verification(tuple(_check(claim, found, measured.machine) for claim in claims), measured)


def _check(claim: Claim, found: Mapping[str, Measurement], machine: str) -> Check:
    if claim.key in _OF_THE_MACHINE and claim.machine not in ("", machine):
        return Check(claim.key, claim.value, None, None, None, f"({claim.source} for {claim.machine})")
    if claim.key not in found:
        return Check(claim.key, claim.value, None, None, None, "(nothing here measures it)")
    measurement, smaller_is_better = found[claim.key], QUANTITIES[claim.key].better == "min"
    slack = _RELATIVE.get(claim.key, 0.0) * abs(claim.value) + _ABSOLUTE.get(claim.key, 0.0)
    limit = claim.high + slack if smaller_is_better else claim.low - slack
    holds = measurement.value <= limit if smaller_is_better else measurement.value >= limit
    return Check(claim.key, claim.value, measurement.value, limit, holds)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
