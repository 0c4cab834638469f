"""The command line as its users know it: what there is, how it is helped with, how it starts."""

import json
import os
import pty
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from autocompress.cli import app

AUTOCOMPRESS = str(Path(sys.executable).parent / "autocompress")
LISTED = (Path(__file__).parent / "command_list.txt").read_text("utf-8").splitlines()
PATHS = [line.split(" --")[0].split() for line in LISTED]
PATHS = [[word for word in words if word.islower()] for words in PATHS]


def lines(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """One line a command: its path, its arguments, its flags."""
    inner = getattr(command, "commands", None)
    if inner:
        for name in sorted(inner):
            yield from lines(inner[name], (*path, name))
        return
    arguments = [p.name.upper() for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    flags = sorted(flag for p in options for flag in (*p.opts, *p.secondary_opts) if flag != "--help")
    yield " ".join([*path, *arguments, *flags])


def test_commands_and_flags_are_frozen() -> None:
    """A change here is a change for every script out there: say it in the changelog."""
    assert list(lines(typer.main.get_command(app))) == LISTED


@pytest.mark.parametrize("line", LISTED)
def test_every_command_speaks_to_machines_and_can_be_quiet(line: str) -> None:
    assert {"--json", "--quiet", "-q"} <= set(line.split())


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_help_shows_an_example(path: list[str], run) -> None:
    shown = " ".join(run(*path, "--help").stdout.split())
    assert f"Example: autocompress {' '.join(path)}" in shown


def test_version_is_told(run) -> None:
    assert run("--version").stdout.startswith("autocompress 0.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell: str) -> None:
    words = {
        "COMP_WORDS": "autocompress comp",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "autocompress comp",
    }
    environment = os.environ | words | {"_AUTOCOMPRESS_COMPLETE": f"complete_{shell}"}
    environment |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run([AUTOCOMPRESS], env=environment, capture_output=True, text=True, check=False)
    assert "compress" in done.stdout
    assert "watch" not in done.stdout


def _on_a_terminal(*words: str, **environment: str) -> str:
    """What a command prints to a terminal of 100 columns."""
    reader, writer = pty.openpty()
    settings = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    settings |= {"TERM": "xterm-256color", "COLUMNS": "100", **environment}
    with subprocess.Popen([AUTOCOMPRESS, *words], stdout=writer, stderr=writer, env=settings) as process:
        os.close(writer)
        shown = b""
        while True:
            try:
                piece = os.read(reader, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        process.wait()
    os.close(reader)
    return shown.decode()


COLOURS = tuple(f"\x1b[{style}{n}m" for n in range(31, 38) for style in ("", "1;", "2;"))


def test_no_color_is_kept() -> None:
    plain, coloured = _on_a_terminal("--help", NO_COLOR="1"), _on_a_terminal("--help")
    assert not any(code in plain for code in COLOURS)
    assert any(code in coloured for code in COLOURS)  # the twin: colours are seen


def _cpu_seconds(*command: str) -> float:
    """Processor time of a command: what it would take on an idle core, whatever else runs now."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


@pytest.mark.parametrize(
    ("limit_s", "command"),
    [
        (0.3, (sys.executable, "-c", "import autocompress")),
        (0.4, (AUTOCOMPRESS, "--help")),
        (3.0, (AUTOCOMPRESS, "plan", "<80MB, <1s on Snapdragon 7 Gen3")),
    ],
    ids=("import", "help", "plan"),
)
def test_it_starts_quickly(limit_s: float, command: tuple[str, ...]) -> None:
    assert min(_cpu_seconds(*command) for _ in range(2)) <= limit_s


def test_a_refusal_for_machines_is_one_document(tmp_path: Path) -> None:
    command = [AUTOCOMPRESS, "front", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "RunError"
    assert "Traceback" not in done.stderr
