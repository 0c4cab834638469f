"""Static figures for papers, PNG and SVG, drawn by Matplotlib (extra ``report``)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autocompress.errors import MissingExtraError
from autocompress.objectives import QUANTITIES
from autocompress.reporting.data import Point, ReportData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES = (5.0, 3.4)
_DPI = 200


def write_figures(
    data: ReportData, folder: Path, formats: tuple[str, ...] = ("png", "svg")
) -> tuple[Path, ...]:
    """``front``, ``hypervolume`` and ``schedule`` in each format; what the data lacks is left out."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError("drawing figures", "matplotlib", "report") from error
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, paint in _FIGURES.items():
        figure = Figure(figsize=_INCHES, layout="constrained")
        if not paint(data, figure):
            continue
        for suffix in formats:
            path = folder / f"{name}.{suffix}"
            figure.savefig(path, dpi=_DPI)
            written.append(path)
    return tuple(written)


def _label(key: str) -> str:
    unit = QUANTITIES[key].unit
    return key if unit == "1" else f"{key} [{unit}]"


def _front(data: ReportData, figure: "Figure") -> bool:
    """The first objective across, the second up, the third as colour; limits as dashed lines."""
    keys = data.objectives[:3]
    if len(keys) < 3 or not data.front:
        return False
    axes = figure.add_subplot()
    x, y, colour = ([p.measurements[k].value for p in data.front] for k in keys)
    across, up = ([[_half(p, k, end) for p in data.front] for end in ("low", "high")] for k in keys[:2])
    axes.errorbar(x, y, yerr=up, xerr=across, fmt="none", ecolor="0.7", lw=0.8, zorder=1)
    dots = axes.scatter(x, y, c=colour, cmap="viridis_r", edgecolor="black", linewidth=0.5, zorder=2)
    figure.colorbar(dots, label=_label(keys[2]))
    _teacher_and_limits(data, axes)
    axes.set(xlabel=_label(keys[0]), ylabel=_label(keys[1]))
    return True


def _half(point: Point, key: str, end: str) -> float:
    seen = point.measurements[key]
    return seen.value - seen.low if end == "low" else seen.high - seen.value


def _teacher_and_limits(data: ReportData, axes: "Axes") -> None:
    x, y = data.objectives[:2]
    if x in data.teacher and y in data.teacher:
        axes.plot(data.teacher[x].value, data.teacher[y].value, "*", ms=11, color="tab:blue", label="teacher")
    for limit in data.constraints:
        if limit.key == x:
            axes.axvline(limit.limit, ls="--", color="tab:red", lw=1, label=str(limit))
        if limit.key == y:
            axes.axhline(limit.limit, ls="--", color="tab:red", lw=1, label=str(limit))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)


def _hypervolume(data: ReportData, figure: "Figure") -> bool:
    if not data.history:
        return False
    axes = figure.add_subplot()
    steps, volumes = zip(*data.history, strict=True)
    axes.step(steps, volumes, where="post")
    axes.set(xlabel="evaluations", ylabel="hypervolume", ylim=(0, None))
    return True


def _schedule(data: ReportData, figure: "Figure") -> bool:
    """Kept share by unit, one row a point of the front."""
    points = [p for p in data.front if p.schedule]
    if not points:
        return False
    axes = figure.add_subplot()
    kept = [[row.kept for row in point.schedule] for point in points]
    figure.colorbar(axes.imshow(kept, aspect="auto", vmin=0, vmax=1, cmap="viridis"), label="kept")
    units = [row.unit for row in points[0].schedule]
    axes.set_xticks(range(len(units)), units, rotation=90, fontsize=4)
    axes.set_yticks(range(len(points)), [f"trial {p.number}" for p in points], fontsize=6)
    return True


_FIGURES: Mapping[str, Callable[[ReportData, "Figure"], bool]] = {
    "front": _front,
    "hypervolume": _hypervolume,
    "schedule": _schedule,
}
