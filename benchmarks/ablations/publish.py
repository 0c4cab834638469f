"""The ablations as a table and as curves: one small figure a technique, before and after distillation."""

import csv
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.provenance import REPOSITORY, write_json

RESULTS = REPOSITORY / "results" / "ablations"
JUDGED_BY = {"gpt": ("kl", "KL, nats a token"), "sovits": ("mel_distance", "mel distance, dB")}
COLUMNS = (
    "technique", "half", "strength", "gives_speed", "distillation_steps", "size_mb", "latency_s",
    "metric", "value", "low", "high", "failure",
)  # fmt: skip
STORAGES = ("fp16", "int8", "int4")
Row = Mapping[str, Any]


def publish(teacher: Row, rows: Sequence[Row], facts: Mapping[str, object]) -> None:
    """``curves.csv``, ``curves.json``, and figures as SVG and PNG."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "curves.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerows(_lines(row))
    whole = {"size_mb": teacher["size_mb"], "latency_s": teacher["latency_s"]}
    document = {**facts, "teacher": whole, "cpu_s": round(sum(r["cpu_s"] for r in rows), 1)}
    write_json(RESULTS / "curves.json", document | {"points": list(rows)})
    for half in JUDGED_BY:
        _figure(half, [row for row in rows if row["half"] == half and row["metrics"]], whole)


def _lines(row: Row) -> list[dict[str, object]]:
    facts = {column: row[column] for column in COLUMNS if column in row}
    facts |= {name: f"{row[name]:.6g}" for name in ("size_mb", "latency_s")}
    if row["failure"]:
        return [facts]
    return [
        facts
        | {"metric": metric}
        | {k: f"{v:.6g}" for k, v in zip(("value", "low", "high"), found, strict=True)}
        for metric, found in row["metrics"].items()
    ]


def _figure(half: str, rows: Sequence[Row], teacher: Mapping[str, float]) -> None:
    """A panel for each technique: its loss by the share removed, with what it saves written at each point."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(row["technique"] for row in rows))
    if not names:
        return
    across = 4
    down = -(-len(names) // across)
    figure, panels = plt.subplots(
        down, across, figsize=(3.4 * across, 2.7 * down), layout="constrained", squeeze=False
    )
    for panel in panels.flat[len(names) :]:
        panel.set_visible(False)
    for panel, name in zip(panels.flat, names, strict=False):
        _panel(panel, half, [row for row in rows if row["technique"] == name], teacher)
        panel.set_title(name, fontsize=9)
    figure.supylabel(JUDGED_BY[half][1])
    figure.supxlabel(
        "share asked to go (widths are rounded), or storage; above: the model's bytes and seconds over the"
        " teacher's"
    )
    for kind in ("svg", "png"):
        figure.savefig(
            RESULTS / f"{half}.{kind}", dpi=110, metadata={"Date": None} if kind == "svg" else None
        )
    plt.close(figure)


def _panel(panel: Any, half: str, rows: Sequence[Row], teacher: Mapping[str, float]) -> None:
    metric = JUDGED_BY[half][0]
    for trained, colour, label in ((False, "#b04a3a", "as it is"), (True, "#2f6f9f", "distilled")):
        curve = sorted((r for r in rows if bool(r["distillation_steps"]) == trained), key=_place)
        if not curve:
            continue
        x, found = [_place(row) for row in curve], [row["metrics"][metric] for row in curve]
        panel.fill_between(
            x, [f[1] for f in found], [f[2] for f in found], color=colour, alpha=0.2, linewidth=0
        )
        panel.plot(x, [f[0] for f in found], marker="o", markersize=3, color=colour, label=label)
        for at, (value, *_), row in zip(x, found, curve, strict=True):
            if not trained and row["gives_speed"]:
                panel.annotate(_savings(row, teacher), (at, value), fontsize=5, ha="center",
                               textcoords="offset points", xytext=(0, 5))  # fmt: skip
    if rows[0]["strength"] in STORAGES:
        panel.set_xticks(range(len(STORAGES)), STORAGES)
    panel.set_ylim(bottom=0)
    panel.tick_params(labelsize=7)
    panel.margins(x=0.12, y=0.2)
    if len(panel.lines) > 1:
        panel.legend(fontsize=6, frameon=False, loc="upper left")


def _place(row: Row) -> float:
    """Where a strength lies on the axis."""
    word = row["strength"]
    return float(STORAGES.index(word)) if word in STORAGES else float(word)


def _savings(row: Row, teacher: Mapping[str, float]) -> str:
    return f"{row['size_mb'] / teacher['size_mb']:.2f} B\n{row['latency_s'] / teacher['latency_s']:.2f} s"
