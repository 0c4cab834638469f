"""What ``devices list``, ``show`` and ``calibrate`` print."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autocompress.hardware.device_runs import CalibrationReport
from autocompress.hardware.profile import Fact, HardwareProfile
from autocompress.hardware.roofline_view import RooflineView


def list_document(profiles: Sequence[HardwareProfile]) -> list[dict[str, Any]]:
    """Ids and names."""
    return [
        {
            "id": p.id,
            "name": p.names.en,
            "name_zh": p.names.zh,
            "type": p.type,
            "cores": _cores(p),
            "aliases": list(p.aliases),
            "products": list(p.products),
        }
        for p in profiles
    ]


def list_text(profiles: Sequence[HardwareProfile], with_header: bool) -> str:
    """One line a device."""
    rows = [(p.id, p.names.en, _cores(p), ", ".join(p.products[:3])) for p in profiles]
    rows = [("id", "name", "cores", "in"), *rows] if with_header else rows
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(
        "  ".join((*(c.ljust(w) for c, w in zip(r, widths, strict=False)), r[3])).rstrip() for r in rows
    )


def _cores(profile: HardwareProfile) -> str:
    return " + ".join(f"{c.cores}×{c.core} {c.clock_ghz.value:g} GHz" for c in profile.clusters)


def profile_document(profile: HardwareProfile, view: RooflineView) -> dict[str, Any]:
    """The whole profile, as in its file, and its roofline."""
    document = dataclasses.asdict(profile)
    document["path"] = str(profile.path) if profile.path else None
    return {**document, "kind": view.kind, "log_sigma": view.log_sigma, "roofline": view.document()}


def profile_text(profile: HardwareProfile, view: RooflineView) -> str:
    """Names, every number with its kind and source, runtimes, roofline."""
    return "\n".join(
        [*_head(profile, view), "", *_numbers(profile), "", *_runtimes(profile), "", view.text()]
    )


def _head(profile: HardwareProfile, view: RooflineView) -> list[str]:
    half = f"{1 / view.spread - 1:+.0%} to {view.spread - 1:+.0%}"
    lines = [
        f"{profile.names.en}  {profile.names.zh}  [{profile.id}]",
        f"also: {', '.join((*profile.aliases, *profile.products))}",
        f"predictions are {view.kind}: 90 % of the outcomes lie {half} around the median",
        f"instruction sets: {', '.join(profile.isa)}",
    ]
    return [*lines, f"note: {profile.note}"] if profile.note else lines


def _numbers(profile: HardwareProfile) -> list[str]:
    facts = profile.facts()
    width = max(len(name) for name in facts)
    return [f"{name.ljust(width)}  {_fact(fact, profile)}" for name, fact in facts.items()]


def _fact(fact: Fact, profile: HardwareProfile) -> str:
    return f"{fact.value:>10g}  {fact.kind:<8}  {profile.sources.get(fact.source, fact.source)}"


def _runtimes(profile: HardwareProfile) -> list[str]:
    lines = [f"threads: {profile.threads.default} on {profile.threads.policy}"]
    for runtime in profile.runtimes:
        note = f"  ({runtime.note})" if runtime.note else ""
        lines.append(f"runtime: {runtime.name}: {' → '.join(runtime.providers)}{note}")
    lines += [f"measured: {name}" for name in (*profile.tables, *_published(profile))]
    for unit in profile.accelerators:
        lines.append(f"{unit.type}: {unit.name}" + (f"  ({unit.note})" if unit.note else ""))
    return lines


def _published(profile: HardwareProfile) -> list[str]:
    """The file of runs published for this device, if it lies beside the profile."""
    path = profile.path.with_name(f"{profile.id}.published.csv") if profile.path else None
    return [path.name] if path and path.is_file() else []


def calibration_text(report: CalibrationReport, path: Path) -> str:
    """Factors, and the error before and after."""
    s = report.summary()
    factors = ", ".join(f"by {name} × {s[name]:.3g}" for name in ("compute", "memory", "dispatch"))
    before, after = (f"{s[f'mean_error_{when}']:.1%}" for when in ("before", "after"))
    return "\n".join(
        [
            f"{s['device']}: {s['n_runs']} runs; times bound {factors}",
            f"mean error of these runs: {before} before, {after} after",
            f"profile written: {path}",
        ]
    )
