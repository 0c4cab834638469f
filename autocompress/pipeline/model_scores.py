"""A trained model's scores, beside what is asked of it."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy
import torch

from autocompress.pipeline.speech_evaluation import SpeechReport

# What issue and reader expect of a speaking model: bound, and whether more is better.
TARGETS: Mapping[str, tuple[float, bool]] = {
    "similarity": (0.80, True),
    "ranked_first": (0.90, True),
    "cer": (0.10, False),
    "mos": (2.8, True),
    "stop_failures": (0.02, False),
    "repetition_rate": (0.02, False),
}
UNSEEN_TARGETS: Mapping[str, tuple[float, bool]] = {"similarity": (0.70, True)}


def values(report: SpeechReport) -> dict[str, float]:
    """Every number of a report by name."""
    plain = {name: score.value for name, score in report.scores.items()}
    return plain | {"ranked_first": report.ranked_first, "stop_failures": report.stop_failures}


def scores_document(reports: Mapping[str, SpeechReport], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Reports by split with intervals, and where and with what they were measured."""
    machine = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "date": date.today().isoformat(),
    }
    splits = {
        split: {
            "n_tasks": report.n_tasks,
            "ranked_first": report.ranked_first,
            "stop_failures": report.stop_failures,
            "scores": {name: asdict(score) for name, score in report.scores.items()},
        }
        for split, report in reports.items()
    }
    return {"facts": dict(facts), "measured": machine, "splits": splits}


def score_table(report: SpeechReport, targets: Mapping[str, tuple[float, bool]]) -> str:
    """Markdown: each number beside its target, and by how much it is missed."""
    found = values(report)
    lines = ["| score | measured | target | |", "|---|---|---|---|"]
    for name, value in found.items():
        bound, more = targets.get(name, (float("nan"), True))
        if name not in targets:
            lines.append(f"| {name} | {value:.3f} | | |")
            continue
        short = bound - value if more else value - bound
        verdict = "met" if short <= 0 else f"missed by {short:.3f}"
        lines.append(f"| {name} | {value:.3f} | {'≥' if more else '≤'} {bound} | {verdict} |")
    return "\n".join(lines)


def write_scores(folder: Path, document: Mapping[str, Any]) -> None:
    """``scores.json`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / "scores.tmp"
    temporary.write_text(json.dumps(document, indent=1, allow_nan=True) + "\n")
    temporary.replace(folder / "scores.json")
