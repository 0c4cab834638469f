"""``autocompress model``: what a GPT-SoVITS checkpoint is, and agreement with the original."""

import json
from pathlib import Path
from typing import Annotated

import typer

from autocompress.cli import training

app = typer.Typer(no_args_is_help=True, help="Look into GPT-SoVITS files; check agreement with the original.")
training.register(app)
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]


@app.command()
def info(
    gpt: Annotated[Path | None, typer.Option(help="GPT file (.ckpt).")] = None,
    sovits: Annotated[Path | None, typer.Option(help="SoVITS file (.pth).")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Version, sizes per module, parameters and bytes of one or both files.

    Example: autocompress model info --gpt voice.ckpt --sovits voice.pth
    """
    from autocompress.models.description import as_text, describe_files

    found = describe_files(gpt=gpt, sovits=sovits)
    typer.echo(json.dumps(found) if as_json else as_text(found))


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A folder of golden vectors with its manifest.json.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run every golden set of a folder; exit code 1 if one disagrees.

    Example: autocompress model check goldens
    """
    from autocompress.models.description import scores_as_text
    from autocompress.models.goldens import check_folder

    score = check_folder(folder)
    if as_json or not quiet:
        typer.echo(json.dumps(score.as_json()) if as_json else scores_as_text(score))
    raise typer.Exit(0 if score.ok else 1)
