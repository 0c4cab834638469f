"""Evaluating a packaged model on the shipped evaluation set: seen and unseen voices apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from autocompress.metrics.evaluation_set import read_evaluation_set
from autocompress.models.reference import EVALUATION_SET
from autocompress.models.teacher import load_teacher
from autocompress.models.training.reference import UNSEEN_VOICES
from autocompress.pipeline.model_scores import (
    TARGETS,
    UNSEEN_TARGETS,
    score_table,
    scores_document,
    write_scores,
)
from autocompress.pipeline.speech_evaluation import cast_of, evaluate_speech


def evaluate_model(name: str, out: Path, report: Callable[[int, int], None]) -> dict[str, Any]:
    """Scores of every sentence in every voice; ``scores.json`` and ``scores.md`` in ``out``."""
    teacher = load_teacher(name)
    evaluation = read_evaluation_set(EVALUATION_SET)
    cast = cast_of(evaluation)
    tasks = evaluation.every_pair()
    parts = {
        "trained voices": [task for task in tasks if task.voice.name not in UNSEEN_VOICES],
        "unseen voices": [task for task in tasks if task.voice.name in UNSEEN_VOICES],
    }
    reports = {split: evaluate_speech(teacher, chosen, cast, report) for split, chosen in parts.items()}
    document = scores_document(reports, {"model": name, "command": f"autocompress model evaluate {name}"})
    targets = {"trained voices": TARGETS, "unseen voices": UNSEEN_TARGETS}
    table = "\n\n".join(f"## {split}\n\n{score_table(reports[split], targets[split])}" for split in parts)
    write_scores(out, document)
    (out / "scores.md").write_text(f"# {name}: speech scores\n\n{table}\n")
    return document | {"table": table}
