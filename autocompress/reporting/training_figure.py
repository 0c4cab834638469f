"""A training in one picture: losses of both halves over their steps, scores wherever they were taken."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocompress.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (10.0, 6.4)
# What a reader follows: GPT's loss and accuracy, SoVITS's distance and information rate.
_LOSSES = {"gpt": ("loss", "accuracy"), "sovits": ("mel", "kl")}
_SCORES = ("similarity", "mos", "cer")


def write_training_figure(folder: Path, out: Path) -> Path:
    """Draw ``folder/{gpt,sovits}/losses.jsonl`` and ``folder/scores.jsonl`` to ``out``, SVG or PNG."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError("drawing figures", "matplotlib", "report") from error
    figure = Figure(figsize=_INCHES, layout="constrained")
    axes = figure.subplots(2, 3)
    for column, half in enumerate(("gpt", "sovits")):
        _draw_losses(axes[0][column], half, _rows(folder / half / "losses.jsonl"))
    scores = _rows(folder / "scores.jsonl")
    for place, name in zip((axes[0][2], axes[1][0], axes[1][1]), _SCORES, strict=True):
        _draw_score(place, name, scores)
    handles, labels = axes[1][1].get_legend_handles_labels()
    axes[1][2].axis("off")
    if handles:
        axes[1][2].legend(handles, labels, loc="center", title="kept out of training")
    figure.savefig(out)
    return out


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def _draw_losses(axes: "Axes", half: str, rows: list[dict[str, Any]]) -> None:
    for name in _LOSSES[half]:
        points = [(row["step"], row[name]) for row in rows if name in row]
        if points:
            axes.plot(*zip(*sorted(points), strict=True), label=name, lw=1)
    axes.set(title=f"{half}: training losses", xlabel="step", yscale="log")
    if rows:
        axes.legend()


def _draw_score(axes: "Axes", name: str, scores: list[dict[str, Any]]) -> None:
    """One line a path and split over SoVITS's steps, with intervals."""
    curves: dict[str, list[tuple[int, float, float, float]]] = {}
    for row in scores:
        for split, paths in row["splits"].items():
            for path, found in paths.items():
                point = found[name]
                curves.setdefault(f"{path}, {split}", []).append(
                    (row["steps"]["sovits"], point["value"], point["low"], point["high"])
                )
    for label, points in curves.items():
        x, y, low, high = zip(*sorted(points), strict=True)
        axes.plot(x, y, marker="o", label=label, lw=1)
        axes.fill_between(x, low, high, alpha=0.1)
    axes.set(title=name, xlabel="SoVITS step")
