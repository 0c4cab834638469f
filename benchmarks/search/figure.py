"""Medians and quartiles of every sampler's hypervolume as it evaluates."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

COLOURS = {
    "solver": "#0b5fa5",
    "tpe": "#d1495b",
    "nsga2": "#edae49",
    "nni-evolution": "#66a182",
    "random": "#8d96a3",
}
NAMES = {"solver": "this search", "tpe": "TPE", "nsga2": "NSGA-II", "nni-evolution": "NNI evolution"}


def draw(
    curves: list[dict[str, Any]], recipes: dict[str, float], best: float, few: int, folder: Path
) -> None:
    """``curves.png`` and ``curves.svg``: evaluations on a log axis, quartiles over the seeds shaded."""
    figure = Figure(figsize=(8.0, 4.8), layout="constrained")
    axes = figure.subplots()
    for sampler in dict.fromkeys(str(row["sampler"]) for row in curves):
        own = [row for row in curves if row["sampler"] == sampler]
        x = [row["evaluations"] for row in own]
        colour = COLOURS.get(sampler, "#555555")
        axes.plot(x, [r["median"] for r in own], color=colour, label=NAMES.get(sampler, sampler))
        axes.fill_between(
            x, [r["lower"] for r in own], [r["upper"] for r in own], color=colour, alpha=0.2, linewidth=0
        )
    for name, volume in recipes.items():
        axes.axhline(volume, color="#999999", linewidth=0.8, linestyle=":")
        axes.annotate(name, (1.0, volume), fontsize=7, color="#666666", va="bottom")
    axes.axhline(best, color="black", linewidth=0.8, linestyle="--", label="front of the whole table")
    axes.axvline(few, color="#cccccc", linewidth=0.8)
    axes.set(
        xscale="log",
        xlabel="quality evaluations",
        ylabel="hypervolume",
        title="Search on recorded evaluations",
    )
    axes.legend(fontsize=8, loc="lower right")
    for suffix in ("png", "svg"):
        figure.savefig(
            folder / f"curves.{suffix}", dpi=130, metadata={"Date": None} if suffix == "svg" else None
        )
