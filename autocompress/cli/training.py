"""``autocompress model speak-corpus``, ``model train-reference`` and ``model evaluate``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from autocompress.cli import options as o

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``autocompress model``."""
    app.command("speak-corpus")(speak_corpus)
    app.command("train-reference")(train_reference)
    app.command("train-vocoder")(train_vocoder)
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


def train_vocoder(
    model: o.Model = None,
    gpt: o.GptFile = None,
    sovits: o.SovitsFile = None,
    voices: o.VoicesFile = None,
    out: Annotated[Path, typer.Option(help="The file to write; states and lessons lie beside it.")] = Path(
        "runs/vocoder.safetensors"
    ),
    steps: Annotated[str, typer.Option(help="How long: steps, or a time such as 90m.")] = "90m",
    width: Annotated[int, typer.Option(min=16, help="Width of its residual stream.")] = 192,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of PyTorch; all by default.")] = None,
    recordings: o.Recordings = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a spare vocoder that predicts spectra, a tenth of HiFi-GAN's work; `--vocoder` takes it.

    Example: autocompress model train-vocoder --gpt s1.ckpt --sovits s2.pth --voices voices.toml
    """
    from autocompress.cli.progress import stage_report
    from autocompress.pipeline.model_source import load_model
    from autocompress.pipeline.spare_training import SpareTraining, train_spare
    from autocompress.production.settings import read_steps

    o.check_out(out.parent)
    asked = SpareTraining(read_steps(steps, "--steps"), width, seed, threads, recordings)
    with stage_report(quiet) as stage:
        trained = train_spare(load_model(o.chosen_model(model, gpt, sovits, voices, None)), out, asked, stage)
    document = {"vocoder": str(out)} | trained.to_dict()
    print(json.dumps(document) if as_json else f"vocoder: {out}")


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
