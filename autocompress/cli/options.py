"""Options that several commands share, and what they are turned into."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autocompress.errors import RequestError, RunError

if TYPE_CHECKING:
    from autocompress.planner import ModelChoice, SearchSettings

Line = Annotated[
    str, typer.Argument(help='What is wanted, such as "<80MB, <1s on Snapdragon 7 Gen3".', metavar="REQUEST")
]
Run = Annotated[Path, typer.Argument(help="The folder of a search.", metavar="RUN")]
Model = Annotated[str | None, typer.Option(help="A packaged model (default: reference).")]
GptFile = Annotated[Path | None, typer.Option("--gpt", help="Your own GPT file (.ckpt).")]
SovitsFile = Annotated[Path | None, typer.Option("--sovits", help="Your own SoVITS file (.pth).")]
VoicesFile = Annotated[Path | None, typer.Option("--voices", help="voices.toml of your own model.")]
VocoderFile = Annotated[
    Path | None, typer.Option("--vocoder", help="Spare vocoder of your own model (model train-vocoder).")
]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command goes on there.")]
BudgetWord = Annotated[str, typer.Option("--budget", help="When to stop: 60trials, 10m, 90s, 2h.")]
Seed = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
Sampler = Annotated[str, typer.Option(help="auto, nsga2, nsga3, tpe, gp, nni-tpe, nni-evolution, random …")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that evaluate.")]
Storage = Annotated[str | None, typer.Option(help="SQLAlchemy URL of a shared store of evaluations.")]
Space = Annotated[str, typer.Option(help="Search space: gpt-sovits, quick, precision-only, or a file.")]
Override = Annotated[list[str] | None, typer.Option(help="Floor of the space to lift; may be repeated.")]
Speech = Annotated[bool, typer.Option("--speech/--no-speech", help="Whether the best are heard, too.")]
Sensitivity = Annotated[
    bool, typer.Option("--sensitivity", help="Measure every decision alone, too: the report's full heat map.")
]
Optuna = Annotated[
    bool, typer.Option("--optuna", help="Write the trials as an Optuna study for optuna-dashboard.")
]
DistilRung = Annotated[
    bool, typer.Option("--distil-rung", help="Rank the best again after a short training of each.")
]
DistilSteps = Annotated[
    str, typer.Option(help="Training of the student: auto (4 minutes at most), 0, steps, or a time (90m).")
]
Recordings = Annotated[
    Path | None,
    typer.Option(help="Recordings (folder or .list) to train on beside the teacher's own speech."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Log what the libraries below say.")]

_TRIALS = re.compile(r"(\d+(?:\.\d+)?)\s*trials?")


def read_budget(word: str) -> tuple[int | None, float | None]:
    """ "60trials" → (60, None); "10m" → (None, 600.0)."""
    from autocompress.request.duration import read_duration

    if seconds := read_duration(word):
        return None, seconds
    match = _TRIALS.fullmatch(word.strip().lower())
    amount = float(match[1]) if match else 0.0
    if amount <= 0:
        raise RequestError(
            f"--budget {word!r} is no budget. Give trials or time, such as 60trials, 90s, 10m or 2h."
        )
    if amount != int(amount):
        raise RequestError(f"--budget {word!r}: a number of trials must be whole.")
    return int(amount), None


def check_out(out: Path) -> None:
    """Refuse a folder that nothing can be written into, before a minute is spent."""
    place = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
    if not place.is_dir():
        raise RunError(f"--out {out}: {place} is a file. Give a folder; one that is not there is made.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise RunError(f"--out {out}: nothing can be written into {place}. Give another folder.")


def plan_settings(budget: str) -> "SearchSettings":
    """What a plan needs to know."""
    from autocompress.planner import SearchSettings

    trials, seconds = read_budget(budget)
    return SearchSettings(trials, seconds)


def search_settings(
    budget: str,
    seed: int,
    sampler: str,
    workers: int,
    storage: str | None,
    speech: bool,
    distil: bool = False,
) -> "SearchSettings":
    """The settings of a search, checked."""
    from autocompress.planner import SearchSettings
    from autocompress.study.samplers import SAMPLERS

    if sampler not in ("auto", *SAMPLERS):
        raise RequestError(f"unknown sampler {sampler!r}. Give auto or one of {', '.join(SAMPLERS)}.")
    trials, seconds = read_budget(budget)
    return SearchSettings(trials, seconds, seed, sampler, workers, storage, speech, distil)


def chosen_model(
    model: str | None, gpt: Path | None, sovits: Path | None, voices: Path | None, vocoder: Path | None
) -> "ModelChoice":
    """The teacher that the options name."""
    from autocompress.pipeline.model_source import choose_model

    return choose_model(model, gpt, sovits, voices, vocoder)


def run_document(run: Path) -> dict[str, Any]:
    """``front.json`` of a run folder."""
    from autocompress.pipeline.run_folder import read_front

    return read_front(run)


def run_table(run: Path) -> str:
    """``front.csv`` of a run folder."""
    from autocompress.pipeline.run_folder import read_front_table

    return read_front_table(run)


def require_points(run: Path, document: dict[str, Any]) -> None:
    """An InfeasibleError when the run found nothing that holds its limits."""
    from autocompress.pipeline.run_folder import require_points

    require_points(document, run)


def set_up_logging(verbose: bool) -> None:
    import logging
    import warnings

    if not verbose:
        warnings.simplefilter("ignore")  # such as a reference recording of 2.8 s
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(name)s: %(message)s")
