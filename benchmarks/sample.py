"""The sample run: one request from the line to the voice, with everything that came of it.

    python -m benchmarks.sample [--budget 60trials] [--space quick] [--work runs/sample]

Calls the commands as a user would: ``compress`` (with ``--sensitivity``), ``report`` with a sentence that
every voice of the bundle says, ``verify``, ``say``. Copies front, report, manifest, card, figures,
verification and one recording to ``--out`` (``results/sample``), beside ``sample.json``: commands, seconds,
machine, weights.
"""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import soundfile

from benchmarks.provenance import REPOSITORY, provenance, write_json

REQUEST = "<30MB, <1s on Snapdragon 7 Gen3"
EVERY_VOICE = "Seven grey pelicans waited on the pier until the evening ferry came in."
HELLO = "A smaller voice says hello."
AUTOCOMPRESS = Path(sys.executable).with_name("autocompress")
SEED = 0


def main() -> None:
    arguments = _arguments()
    run, out = arguments.work, arguments.out
    bundle, figures = run / "bundle", run / "figures"
    sized = ["--space", arguments.space, "--budget", arguments.budget, "--seed", str(SEED)]
    steps = {
        "compress": ["compress", REQUEST, *sized, "--sensitivity", "--out", str(run)],
        "report": ["report", str(run), "--voices", EVERY_VOICE, "--figures", str(figures)],
        "verify": ["verify", str(bundle), "--json", "-q"],
        "say": ["say", str(bundle), HELLO, "--voice", arguments.voice, "-o", str(run / "hello.wav"), "-q"],
    }
    done = {name: _run(words, may_fail=name == "verify") for name, words in steps.items()}
    out.mkdir(parents=True, exist_ok=True)
    for path in _kept(run):
        shutil.copyfile(path, out / path.name)
    write_json(out / "verify.json", json.loads(str(done["verify"]["stdout"])))
    _write_mp3(run / "hello.wav", out / "hello.mp3")
    spent = {name: {"command": one["command"], "seconds": one["seconds"]} for name, one in done.items()}
    facts = {"request": REQUEST, "steps": spent, "verified": done["verify"]["ok"]}
    write_json(out / "sample.json", provenance(SEED, **facts))
    (out / "screen.txt").write_text(str(done["compress"]["stdout"]), "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--budget", default="60trials")
    parser.add_argument("--space", default="quick")
    parser.add_argument("--voice", default="af_heart")
    parser.add_argument("--work", type=Path, default=Path("runs/sample"))
    parser.add_argument("--out", type=Path, default=REPOSITORY / "results" / "sample")
    return parser.parse_args()


def _run(words: list[str], may_fail: bool) -> dict[str, object]:
    """A command, its output and its seconds; ``verify`` may find that a claim does not hold."""
    print(shlex.join(["autocompress", *words]), file=sys.stderr, flush=True)
    start = time.perf_counter()
    done = subprocess.run([AUTOCOMPRESS, *words], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in ((0, 1) if may_fail else (0,)):
        sys.exit(f"{words[0]} ended with exit code {done.returncode}")
    return {
        "command": shlex.join(["autocompress", *words]),
        "seconds": round(time.perf_counter() - start, 1),
        "stdout": done.stdout,
        "ok": done.returncode == 0,
    }


def _kept(run: Path) -> list[Path]:
    wanted = ["front.json", "front.csv", "report.html", "bundle/manifest.json", "bundle/card.md"]
    drawn = [f"figures/{name}" for name in ("front.png", "front.svg", "hypervolume.svg", "schedule.svg")]
    return [run / name for name in wanted] + [run / name for name in drawn if (run / name).is_file()]


def _write_mp3(wav: Path, mp3: Path) -> None:
    samples, rate_hz = soundfile.read(wav, dtype="float32")
    soundfile.write(mp3, samples, rate_hz, format="MP3", subtype="MPEG_LAYER_III")


if __name__ == "__main__":
    main()
