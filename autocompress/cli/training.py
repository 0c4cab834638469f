"""``autocompress model speak-corpus``, ``model train-reference`` and ``model evaluate``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``autocompress model``."""
    app.command("speak-corpus")(speak_corpus)
    app.command("train-reference")(train_reference)
    app.command("evaluate")(evaluate)


def speak_corpus(
    voices: Annotated[
        Path, typer.Argument(help="Folder with Kokoro's voices (package/voices of kokoro-js).")
    ],
    out: Annotated[Path, typer.Option(help="Where recordings and manifest.jsonl go.")] = Path(
        "runs/kokoro_en"
    ),
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first N sentences of each speaker's kind.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Speak the reference model's corpus (Kokoro-82M, Hibari); the same command goes on where it stopped.

    Example: autocompress model speak-corpus package/voices --out runs/kokoro_en
    """
    from autocompress.cli.progress import count_report
    from autocompress.models.training import hibari, kokoro
    from autocompress.models.training.spoken_corpus import speak_corpus

    with count_report("speaking", quiet) as report:
        speak_corpus(kokoro.read_lines()[:limit], hibari.read_lines()[:limit], voices, out, report)
    print(json.dumps({"corpus": str(out)}) if as_json else f"corpus: {out}")


def train_reference(
    corpus: Annotated[Path, typer.Argument(help="A .list file, or a folder of recordings with transcripts.")],
    out: Annotated[Path, typer.Option(help="Where states, losses and the model go.")] = Path(
        "runs/reference"
    ),
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 0,
    stage: Annotated[
        list[str] | None, typer.Option(help="prepare, sovits, gpt, export, evaluate; default all.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a small GPT-SoVITS from recordings; the same command goes on where it was stopped.

    Example: autocompress model train-reference ../shared/speech/kokoro_en --out runs/reference
    """
    from autocompress.cli.progress import training_report
    from autocompress.pipeline.training_run import STAGES, TrainingRun

    with training_report(quiet) as report:
        TrainingRun(corpus, out, seed).run(stage or STAGES, report)
    print(json.dumps({"model": str(out / "model")}) if as_json else f"model: {out / 'model'}")


def evaluate(
    model: Annotated[str, typer.Argument(help="A packaged model's name.")] = "reference",
    out: Annotated[Path, typer.Option(help="Where scores.json goes.")] = Path("results/reference_model"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Speak the shipped evaluation set and score it.

    Example: autocompress model evaluate reference --out results/reference_model
    """
    from autocompress.cli.progress import count_report
    from autocompress.pipeline.model_evaluation import evaluate_model

    with count_report("speaking", quiet) as report:
        document: dict[str, Any] = evaluate_model(model, out, report)
    typer.echo(json.dumps(document) if as_json else document["table"])
