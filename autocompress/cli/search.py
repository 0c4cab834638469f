"""``compress``, ``plan``, ``search``, ``front`` and ``produce``: from a line to a voice."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from autocompress.cli import options as o

DEFAULT_OUT = Path("results/run")


def register(app: typer.Typer) -> None:
    """Hang the commands under the main one."""
    for command in (compress, plan, search, front, produce):
        app.command()(command)


def compress(
    request: o.Line,
    model: o.Model = None,
    gpt: o.GptFile = None,
    sovits: o.SovitsFile = None,
    voices: o.VoicesFile = None,
    vocoder: o.VocoderFile = None,
    out: o.Out = DEFAULT_OUT,
    budget: o.BudgetWord = "60trials",
    seed: o.Seed = 0,
    sampler: o.Sampler = "auto",
    workers: o.Workers = 1,
    storage: o.Storage = None,
    space: o.Space = "gpt-sovits",
    override: o.Override = None,
    speech: o.Speech = True,
    distil_rung: o.DistilRung = False,
    sensitivity: o.Sensitivity = False,
    distil_steps: o.DistilSteps = "auto",
    recordings: o.Recordings = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Search, choose the best point that holds every limit, and write it as a bundle that speaks.

    Example: autocompress compress "<80MB, <1s on Snapdragon 7 Gen3" --out results/demo
    """
    from autocompress.cli.session import Session

    o.set_up_logging(verbose)
    o.check_out(out)
    teacher = o.chosen_model(model, gpt, sovits, voices, vocoder)
    settings = o.search_settings(budget, seed, sampler, workers, storage, speech, distil_rung)
    with Session(out, quiet) as session:
        session.plan(request, teacher, space, override or (), settings)
        session.search(sensitivity)
        session.produce("best", None, distil_steps, recordings)
        session.report()
    session.show(as_json)


def plan(
    request: o.Line,
    model: o.Model = None,
    gpt: o.GptFile = None,
    sovits: o.SovitsFile = None,
    voices: o.VoicesFile = None,
    vocoder: o.VocoderFile = None,
    budget: o.BudgetWord = "60trials",
    space: o.Space = "gpt-sovits",
    override: o.Override = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Say what was understood, whether it can be met and how long a search takes; runs nothing.

    Example: autocompress plan "<80MB, <1s on Snapdragon 7 Gen3" --json
    """
    from autocompress.cli.plan_text import plan_text
    from autocompress.pipeline.compose import plan as make

    settings = o.plan_settings(budget)
    chosen = o.chosen_model(model, gpt, sovits, voices, vocoder)
    made = make(request, chosen, space=space, override=override or (), settings=settings)
    print(json.dumps(made.to_dict(), ensure_ascii=False) if as_json else plan_text(made, brief=quiet))
    raise typer.Exit(0 if made.feasible else 1)


def search(
    request: o.Line,
    model: o.Model = None,
    gpt: o.GptFile = None,
    sovits: o.SovitsFile = None,
    voices: o.VoicesFile = None,
    vocoder: o.VocoderFile = None,
    out: o.Out = DEFAULT_OUT,
    budget: o.BudgetWord = "60trials",
    seed: o.Seed = 0,
    sampler: o.Sampler = "auto",
    workers: o.Workers = 1,
    storage: o.Storage = None,
    space: o.Space = "gpt-sovits",
    override: o.Override = None,
    speech: o.Speech = True,
    distil_rung: o.DistilRung = False,
    sensitivity: o.Sensitivity = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Search the Pareto front only; ``produce`` makes a bundle of any of its points later.

    Example: autocompress search "<60MB on this machine" --budget 10m --out results/small
    """
    from autocompress.cli.session import Session

    o.set_up_logging(verbose)
    o.check_out(out)
    teacher = o.chosen_model(model, gpt, sovits, voices, vocoder)
    settings = o.search_settings(budget, seed, sampler, workers, storage, speech, distil_rung)
    with Session(out, quiet) as session:
        session.plan(request, teacher, space, override or (), settings)
        session.search(sensitivity)
        session.report()
    session.show(as_json)


def front(
    run: o.Run,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values on stdout.")] = False,
    optuna: o.Optuna = False,
    storage: o.Storage = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """The front that a search has found, as a table.

    Example: autocompress front results/demo --csv
    """
    from autocompress.cli.front_text import front_text

    document = o.run_document(run)
    if optuna:
        _write_optuna(run, storage, document, as_json)
    elif as_csv:
        sys.stdout.write(o.run_table(run))
    elif as_json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        o.require_points(run, document)
        print(front_text(document, header=not quiet))


def _write_optuna(run: Path, storage: str | None, document: dict[str, Any], as_json: bool) -> None:
    """The run's trials as an Optuna study, and what opens it."""
    from dataclasses import asdict

    from autocompress.pipeline.run_folder import write_run_as_optuna_study

    study = write_run_as_optuna_study(run, document, storage)
    text = f"Optuna study {study.name!r} in {study.storage}\nopen it with: {study.command}"
    print(json.dumps(asdict(study) | {"command": study.command}) if as_json else text)


def produce(
    run: o.Run,
    pick: Annotated[str, typer.Option(help="best, knee, smallest, fastest, or a trial's number.")] = "best",
    out: Annotated[Path | None, typer.Option(help="Folder of the bundle (default: RUN/bundle).")] = None,
    distil_steps: o.DistilSteps = "auto",
    recordings: o.Recordings = None,
    fallback: Annotated[
        str | None,
        typer.Option(help="A point whose SoVITS serves as the lighter tier: fastest, or a trial's number."),
    ] = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Train a point of the front and make a bundle of it; the same command goes on where it was stopped.

    Example: autocompress produce results/demo --pick smallest
    """
    from autocompress.cli.session import Session

    o.set_up_logging(verbose)
    with Session(run, quiet) as session:
        session.open()
        session.produce(pick, out, distil_steps, recordings, fallback)
    session.show(as_json)
