"""Training logs (one JSON object a line, with ``step`` and numbers) as curves."""

import json
import math
from pathlib import Path

from autocompress.reporting.data import Curve

_CURVE_POINTS = 600


def read_curves(run: Path) -> tuple[Curve, ...]:
    """Every curve under ``run/training`` and ``run/bundle``: a file a training, a line a step."""
    paths = [*sorted((run / "training").rglob("*.jsonl")), *sorted((run / "bundle").rglob("losses.jsonl"))]
    return tuple(curve for path in paths for curve in _curves_of(path, run))


def _curves_of(path: Path, run: Path) -> list[Curve]:
    """One curve a number of the file; a last line cut off by a kill is left out."""
    rows = []
    for line in path.read_text("utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    rows = rows[:: max(1, math.ceil(len(rows) / _CURVE_POINTS))]
    name = path.relative_to(run).with_suffix("").as_posix().removesuffix("/losses")
    keys = dict.fromkeys(k for row in rows for k, v in row.items() if k != "step" and _is_number(v))
    curves = []
    for key in keys:
        pairs = [(float(r["step"]), float(r[key])) for r in rows if "step" in r and _is_number(r.get(key))]
        if pairs:
            steps, values = zip(*pairs, strict=True)
            curves.append(Curve(name, key, steps, values))
    return curves


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
