"""Renders :class:`ReportData` to one self-contained HTML file."""

import json
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from autocompress import __version__
from autocompress.errors import RunError
from autocompress.objectives import QUANTITIES, Measurement
from autocompress.reporting.data import ReportData

LIMIT_BYTES = 15_000_000
_SCRIPTS = ("state.js", "front.js", "details.js", "views.js", "main.js")  # one scope, in this order


def render_page(data: ReportData) -> str:
    """The page: markup, style, scripts, plotly.js, data and audio in one text."""
    from jinja2 import Environment, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["measured"] = measured_words
    template = environment.from_string(_part("report.html.j2"))
    return template.render(
        data=data,
        version=__version__,
        css=Markup(_part("report.css")),
        json=Markup(_embeddable(data)),
        plotly=Markup(_plotly()),
        script=Markup("\n".join(_part(name) for name in _SCRIPTS)),
    )


def write_page(data: ReportData, path: Path) -> Path:
    """Write the page under a temporary name, then rename; a page over 15 MB is refused."""
    text = render_page(data).encode()
    if len(text) >= LIMIT_BYTES:
        raise RunError(
            f"the report would have {len(text) / 1e6:.1f} MB, and {LIMIT_BYTES / 1e6:.0f} is the limit. "
            "Take clips or trials out of the run folder."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(text)
    return draft.replace(path)


def measured_words(seen: Measurement | None) -> str:
    """``12.3 (11.8 to 12.9)``, the value alone when it is exact, a dash when there is none."""
    if seen is None:
        return "–"
    if seen.low == seen.high:
        return f"{seen.value:.4g} ({seen.source})"
    return f"{seen.value:.4g} ({seen.low:.4g} to {seen.high:.4g}, {seen.source})"


def _embeddable(data: ReportData) -> str:
    """JSON that cannot end its own script element."""
    units = {key: {"unit": q.unit, "better": q.better} for key, q in QUANTITIES.items()}
    fields: dict[str, Any] = data.to_dict() | {"units": units}
    return json.dumps(fields, ensure_ascii=False, allow_nan=False, default=_plain).replace("<", "\\u003c")


def _plain(value: Any) -> Any:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else dict(value)


def _part(name: str) -> str:
    return files("autocompress.reporting").joinpath("page", name).read_text("utf-8")


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).replace("</script", "<\\/script")
