"""The bundle of a run: what it claims beside what was predicted, and where each number comes from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autocompress.bundle.manifest import MANIFEST, Manifest
from autocompress.errors import RunError
from autocompress.hardware.library import LOCAL
from autocompress.reporting.data import Delivery, Point, Provenance

_OF_THE_MACHINE = ("latency_s", "first_audio_s", "rtf", "memory_mb")


def read_manifest(folder: Path, asked: bool) -> Manifest | None:
    """The bundle's manifest; a bundle that was ``asked`` for must be there."""
    path = folder / MANIFEST
    if not path.is_file():
        if asked:
            raise RunError(
                f"{folder} is no bundle: it has no {MANIFEST}. Give the folder that `produce` wrote."
            )
        return None
    return Manifest.from_json(path.read_text("utf-8"), str(path))


def delivered_candidate(manifest: Manifest | None) -> str | None:
    """Id of the candidate that was produced."""
    return None if manifest is None else str(manifest.candidate.get("id", "")) or None


def read_deliveries(
    manifest: Manifest | None, points: tuple[Point, ...], device: str
) -> tuple[Delivery, ...]:
    """Every claim beside the prediction for ``device``."""
    if manifest is None:
        return ()
    delivered = delivered_candidate(manifest)
    predicted = next((p.measurements for p in points if p.candidate == delivered), {})
    return tuple(
        Delivery(
            key=claim.key,
            predicted=predicted.get(claim.key),
            delivered=claim.measurement,
            where=_where(claim.machine, claim.threads),
            predicted_for=device,
            comparable=device in ("", LOCAL) or claim.key not in _OF_THE_MACHINE,
        )
        for claim in manifest.claims
    )


def _where(machine: str, threads: int) -> str:
    return f"{machine}, {threads} threads" if threads else machine


def read_provenance(run: Path, front: Mapping[str, Any], manifest: Manifest | None) -> tuple[Provenance, ...]:
    """What the search was, and how every claim was measured."""
    rows = [Provenance(key, _line(value)) for key, value in front["provenance"].items() if key != "points"]
    rows.append(
        Provenance("front", f"{run / 'front.json'}; hypervolume reference {_line(front['reference'])}")
    )
    if manifest is None:
        return tuple(rows)
    for claim in manifest.claims:
        made = "; ".join(filter(None, (_where(claim.machine, claim.threads), claim.versions, claim.command)))
        rows.append(Provenance(f"delivered {claim.key}", f"{claim.source}; seed {claim.seed}; {made}"))
    return tuple(rows)


def _line(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
