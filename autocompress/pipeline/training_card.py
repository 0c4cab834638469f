"""The card of a training: data, sizes, recipe, seed, hours and scores, beside the exported model."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from autocompress.models.training.dataset import GPT_ONLY, TRAIN, UNSEEN, VALIDATION, Dataset
from autocompress.models.training.gpt_objective import GptRecipe
from autocompress.models.training.sovits_objective import SovitsRecipe
from autocompress.pipeline.training_scores import Halves


@dataclass(frozen=True)
class Training:
    """What a card tells of one training: its folder, its corpus, and what it was asked to do."""

    folder: Path
    corpus: Path
    seed: int
    gpt: GptRecipe
    sovits: SovitsRecipe


def card_text(training: Training, data: Dataset, halves: Halves) -> str:
    """Markdown; scores are those of the last line of ``scores.jsonl``, where there is one."""
    gpt, sovits = halves.gpt.config, halves.sovits.config
    layers = f"{len(gpt.blocks)} layers × {gpt.width}"
    channels = (
        f"HiFi-GAN of {sovits.upstream_vocoder.channels} initial channels, {sovits.audio.sample_rate_hz} Hz"
    )
    return "\n".join(
        [
            f"# {training.folder.resolve().name}: a GPT-SoVITS model ({sovits.version} layout)",
            "",
            f"* **GPT**: {layers}, {_parameters(halves.gpt)}.",
            f"* **SoVITS**: {channels}, {_parameters(halves.sovits, 'enc_q.')}.",
            *_data_lines(training.corpus, data),
            f"* **Seed**: {training.seed}.",
            _recipe("GPT", training.gpt, halves.steps["gpt"], training.folder / "gpt"),
            _recipe("SoVITS", training.sovits, halves.steps["sovits"], training.folder / "sovits"),
            "* **Licence and limits**: those of the recordings. Do not imitate a person who has not agreed.",
            "",
            *_score_lines(training.folder / "scores.jsonl"),
        ]
    )


def hours_of(losses: Path) -> float:
    """Hours that the steps of a ``losses.jsonl`` took, each report standing for the steps since the last."""
    hours, before = 0.0, 0
    for row in _rows(losses):
        hours += max(0, row["step"] - before) * row["seconds_per_step"] / 3600
        before = row["step"]
    return hours


def _parameters(module: nn.Module, left_out: str = "\0") -> str:
    count = sum(p.numel() for name, p in module.named_parameters() if not name.startswith(left_out))
    return f"{count / 1e6:.1f} M parameters"


def _data_lines(corpus: Path, data: Dataset) -> Iterable[str]:
    hours = {split: _hours(data, split) for split in (TRAIN, GPT_ONLY, VALIDATION, UNSEEN)}
    n_clips, n_voices = len(data.items), len(data.by_speaker(TRAIN))
    unseen = ", ".join(sorted(data.by_speaker(UNSEEN))) or "none"
    yield f"* **Data**: `{corpus.name}`, {n_clips} clips, {hours[TRAIN]:.2f} h in {n_voices} voices"
    if hours[GPT_ONLY]:
        yield f"  and {hours[GPT_ONLY]:.2f} h that only the GPT learnt from"
    yield f"  to train on, {hours[VALIDATION]:.2f} h kept out. Voices never trained on: {unseen}."


def _hours(data: Dataset, split: str) -> float:
    return float(sum(len(data.tokens[row]) for row in data.rows(split))) / 25 / 3600


def _recipe(name: str, recipe: GptRecipe | SovitsRecipe, step: int, folder: Path) -> str:
    knobs = ", ".join(
        f"{key} {value}" for key, value in asdict(recipe).items() if not isinstance(value, dict)
    )
    hours = hours_of(folder / "losses.jsonl")
    return f"* **{name} recipe**: step {step} of {recipe.total_steps}, {hours:.2f} h of stepping; {knobs}."


def _score_lines(scores: Path) -> Iterable[str]:
    rows = _rows(scores)
    if not rows:
        yield "Not evaluated yet: `autocompress model train-reference … --stage evaluate`."
        return
    last = rows[-1]
    steps: Mapping[str, int] = last["steps"]
    yield f"Scores at GPT step {steps['gpt']}, SoVITS step {steps['sovits']} ({last['clips']} clips a split):"
    for split, paths in last["splits"].items():
        metrics = list(next(iter(paths.values())))
        yield from ("", f"| {split} | {' | '.join(metrics)} |", "|---" * (len(metrics) + 1) + "|")
        for path, found in paths.items():
            yield f"| {path} | {' | '.join(format(found[m]['value'], '.3f') for m in metrics)} |"


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
