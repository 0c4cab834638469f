"""The front and the last screen of a run, as text."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autocompress.bundle import Bundle

_COLUMNS = ("size_mb", "latency_s", "memory_mb", "similarity", "mos", "cer", "quality_loss")
_PICKS = ("best", "knee", "smallest", "fastest")
Document = Mapping[str, Any]


def front_text(document: Document, *, header: bool = True) -> str:
    """One trial a line; picks are named behind."""
    trials = document["trials"]
    keys = [key for key in _COLUMNS if any(key in t["measurements"] for t in trials)]
    names: dict[int, list[str]] = {}
    for name, number in document["picks"].items():
        names.setdefault(number, []).append(name)
    lines = ["  trial" + "".join(f"{key:>13}" for key in keys)] if header else []
    for trial in trials:
        cells = "".join(f"{_value(trial, key):>13}" for key in keys)
        lines.append(f"{trial['number']:>7}{cells}  {' '.join(names.get(trial['number'], []))}".rstrip())
    return "\n".join(lines)


def result_text(document: Document, pick: str, out: Path, bundle: "Bundle | None") -> str:
    """Chosen against teacher, margins, two alternates, files, how to hear it."""
    from autocompress.pipeline.run_folder import picked_trial

    trial = picked_trial(document, pick, out)
    claims = {} if bundle is None else {c.key: c.value for c in bundle.manifest.claims}
    lines = [f"{pick}: trial {trial['number']}, candidate {trial['candidate']['id']}", ""]
    lines += _comparison(document, trial, claims)
    lines += ["", "alternates:", *_alternates(document, trial["number"])]
    lines += ["", f"front   {out / 'front.json'}, {out / 'front.csv'} ({len(document['trials'])} points)"]
    lines += _sampler_lines(document.get("provenance", {}))
    lines.append(_report_line(out))
    if bundle is not None:
        voice = next(iter(bundle.voices.names()), "NAME")
        lines.append(f"bundle  {bundle.folder}")
        lines += _training_lines(bundle.folder / "card.md")
        lines.append(f'hear it autocompress say {bundle.folder} "Hello there." --voice {voice} -o hello.wav')
    else:
        lines.append(f"bundle  autocompress produce {out} --pick {pick}")
    return "\n".join(lines)


def _sampler_lines(provenance: Mapping[str, Any]) -> list[str]:
    """What proposed the candidates, and why that."""
    return (
        [f"sampler {provenance['sampler']}: {provenance['sampler_reason']}"]
        if "sampler_reason" in provenance
        else []
    )


def _training_lines(card: Path) -> list[str]:
    """What the bundle's card says about its training."""
    _, _, rest = card.read_text("utf-8").partition("## Training\n\n")
    return [f"trained {line.removeprefix('- ')}" for line in rest.partition("\n\n")[0].splitlines()]


def _report_line(out: Path) -> str:
    """Where the report is, and what makes one."""
    page = out / "report.html"
    if page.is_file():
        return f"report  {page} (with every voice: autocompress report {out})"
    return f"report  autocompress report {out}"


def _comparison(document: Document, trial: Document, claims: Mapping[str, float]) -> list[str]:
    """One line a quantity: teacher, chosen, its interval, what the bundle measured here, limit and margin."""
    teacher, limits = document["teacher"], {c["key"]: c for c in document["constraints"]}
    head = f"{'':13}{'teacher':>10}{'chosen':>10}{'interval':>20}{'limit':>10}{'margin':>9}"
    rows = [head + (f"{'bundle here':>13}" if claims else "")]
    for key in (k for k in (*_COLUMNS, "first_audio_s", "rtf", "sid") if k in trial["measurements"]):
        seen = trial["measurements"][key]
        own = f"{teacher[key]['value']:.3g}" if key in teacher else "-"
        interval = f"{seen['low']:.3g} to {seen['high']:.3g}" if seen["low"] != seen["high"] else "exact"
        limit, margin = _margin(limits.get(key), seen)
        here = f"{claims[key]:>13.3g}" if key in claims else ""
        rows.append(f"{key:13}{own:>10}{seen['value']:>10.3g}{interval:>20}{limit:>10}{margin:>9}{here}")
    return rows


def _margin(limit: Document | None, seen: Document) -> tuple[str, str]:
    """The limit and what is left of it at the planned confidence, in per cent."""
    if limit is None:
        return "", ""
    from autocompress.objectives import Constraint, Measurement

    side = "max" if "max" in limit else "min"
    constraint = Constraint(limit["key"], side, limit[side], limit["confidence"])  # type: ignore[arg-type]
    sign = "<=" if side == "max" else ">="
    return f"{sign} {limit[side]:g}", f"{-100 * constraint.excess(Measurement.from_dict(seen)):.0f} %"


def _alternates(document: Document, chosen: int) -> list[str]:
    others: dict[int, str] = {}
    for name in _PICKS:
        number = document["picks"].get(name)
        if number is not None and number != chosen:
            others.setdefault(number, name)
    by_number = {t["number"]: t for t in document["trials"]}
    lines = [
        f"  {name:9} trial {number}: "
        + ", ".join(
            f"{key} {_value(by_number[number], key)}" for key in ("size_mb", "latency_s", "quality_loss")
        )
        for number, name in list(others.items())[:2]
    ]
    return lines or ["  none: the front has this one point"]


def _value(trial: Document, key: str) -> str:
    seen = trial["measurements"].get(key)
    return "-" if seen is None else f"{seen['value']:.3g}"
