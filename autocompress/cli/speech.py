"""``say``, ``voices list|add|remove``, ``verify``: what a bundle does."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

BundleFolder = Annotated[Path, typer.Argument(help="A bundle's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Threads = Annotated[int, typer.Option(min=0, help="Threads; 0 leaves it to ONNX Runtime.")]

voices = typer.Typer(no_args_is_help=True, help="The voices of a bundle.")


def register(app: typer.Typer) -> None:
    """Hang the commands under the main one."""
    app.command()(say)
    app.command()(verify)
    app.add_typer(voices, name="voices")


def _print(document: object, text: str, as_json: bool) -> None:
    print(json.dumps(document, ensure_ascii=False) if as_json else text)


def say(
    bundle: BundleFolder,
    text: Annotated[str, typer.Argument(help="What to say.")],
    voice: Annotated[str, typer.Option(help="A voice of the bundle, or a saved one (.npz).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The recording to write (.wav).")] = Path(
        "out.wav"
    ),
    deadline: Annotated[float | None, typer.Option(min=0.01, help="Seconds for a sentence of 4 s.")] = None,
    language: Annotated[str, typer.Option(help="auto, en, zh, ja, ko, yue …")] = "auto",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    threads: Threads = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say TEXT with a bundle's voice.

    Example: autocompress say results/demo/bundle "Hello there." --voice af_heart -o hello.wav
    """
    from autocompress.bundle.saying import Wanted, say_to_file

    note = None if quiet else (lambda switch: print(switch, file=sys.stderr))
    wanted = Wanted(text, voice, out, deadline, language, seed)
    said = say_to_file(bundle, wanted, threads=threads, on_switch=note)
    _print(said.as_json(), said.as_text(), as_json)


def verify(
    bundle: BundleFolder,
    threads: Annotated[int | None, typer.Option(min=0, help="Threads; the claims' own without it.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of the reference workload.")] = 7,
    speech: Annotated[bool, typer.Option("--speech/--no-speech", help="Whether it is heard, too.")] = True,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check a bundle's files, then measure it again against its claims; exit code 1 if one fails.

    Example: autocompress verify results/demo/bundle
    """
    from autocompress.pipeline.bundle_check import verify_bundle

    note = (lambda _: None) if quiet else (lambda text: print(f"{text} ...", file=sys.stderr, flush=True))
    found = verify_bundle(bundle, threads=threads, rounds=rounds, speech=speech, stage=note)
    _print(found.as_json(), found.as_text(), as_json)
    raise typer.Exit(0 if found.ok else 1)


@voices.command("list")
def list_voices(bundle: BundleFolder, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Every voice: name, language, what its reference says.

    Example: autocompress voices list results/demo/bundle
    """
    from dataclasses import asdict

    from autocompress.bundle.opening import open_voices

    rows = open_voices(bundle).rows()
    head = [] if quiet else [f"{'name':20} {'language':8} {'bytes':>8}  transcript"]
    lines = [f"{row.name:20} {row.language:8} {row.size_bytes:8}  {row.transcript}" for row in rows]
    _print([asdict(row) for row in rows], "\n".join(head + lines), as_json)


@voices.command()
def add(
    bundle: BundleFolder,
    voice: Annotated[Path, typer.Argument(help="A saved voice (.npz).")],
    name: Annotated[str | None, typer.Option(help="Its name in the bundle; its own without it.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a voice of the same name.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Add a saved voice to a bundle.

    Example: autocompress voices add results/demo/bundle emma.npz
    """
    from autocompress.bundle.opening import add_voice

    added = add_voice(bundle, voice, name, replacing=replace)
    _print({"added": added}, "" if quiet else f"added {added}", as_json)


@voices.command()
def remove(
    bundle: BundleFolder,
    name: Annotated[str, typer.Argument(help="The voice to delete.")],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Delete a voice from a bundle.

    Example: autocompress voices remove results/demo/bundle emma
    """
    from autocompress.bundle.opening import open_voices

    open_voices(bundle).remove(name)
    _print({"removed": name}, "" if quiet else f"removed {name}", as_json)
