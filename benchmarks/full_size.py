"""The user's own request on a full-size v2 model: time, memory, and the bundle beside Genie-TTS.

    python -m benchmarks.full_size [--budget 20m] [--work build/full_size] [--genie results/runtime]

Weights are random, in upstream's file format: quality is divergence from the teacher, and nothing is trained.
Genie's times are read from ``genie.json`` in ``--genie`` (one thread, the same workload), which
``benchmarks/runtime/compare.py --out`` writes; run that first where the machine is another one.
"""

import argparse
import json
import resource
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.provenance import REPOSITORY, provenance, weights, write_json

sys.path.insert(0, str(REPOSITORY / "benchmarks" / "runtime"))

from systems import WEIGHT_SEED, prepare_weights

REQUEST = "<80MB, <1s on Snapdragon 7 Gen3"
SEED = 0
STEPS = 100  # of the reference workload
AUTOCOMPRESS = Path(sys.executable).with_name("autocompress")
OUT = REPOSITORY / "results" / "full_size"


def main() -> None:
    arguments = _arguments()
    gpt, sovits = prepare_weights(arguments.work)
    run = arguments.work / "run"
    shutil.rmtree(run, ignore_errors=True)  # the time of a whole run is what is asked
    files = ["--gpt", str(gpt), "--sovits", str(sovits)]
    words = [
        *files,
        "--budget",
        arguments.budget,
        "--distil-steps",
        "0",
        "--seed",
        str(SEED),
        "--out",
        str(run),
    ]
    spent = _timed(["compress", REQUEST, *words, "--json", "-q"])
    manifest = json.loads((run / "bundle" / "manifest.json").read_text("utf-8"))
    front = json.loads((run / "front.json").read_text("utf-8"))
    chosen = next(t for t in front["trials"] if t["number"] == front["picks"]["best"])
    facts = {
        "request": REQUEST,
        "compress": spent,
        "evaluations": len(front["trials"]),
        "predicted": {key: chosen["measurements"][key] for key in ("size_mb", "latency_s", "memory_mb")},
        "delivered_here": {claim["key"]: claim for claim in manifest["claims"]},
        "genie_here": _genie(arguments.genie),
        "weights_seed": WEIGHT_SEED,
    }
    document = provenance(SEED, **facts) | {"weights_sha256": weights(gpt, sovits)}
    write_json(OUT / "full_size.json", document)
    (OUT / "full_size.md").write_text(_table(document), "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--budget", default="20m")
    parser.add_argument("--work", type=Path, default=Path("build/full_size"))
    parser.add_argument("--genie", type=Path, default=REPOSITORY / "results" / "runtime")
    return parser.parse_args()


def _timed(words: list[str]) -> dict[str, Any]:
    """Seconds, CPU-seconds and peak memory of one command."""
    begin = time.monotonic()
    subprocess.run([str(AUTOCOMPRESS), *words], check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "command": shlex.join(["autocompress", *words]),
        "seconds": round(time.monotonic() - begin, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
    }


def _genie(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "genie.json").read_text("utf-8"))
    genie = found["threads"]["1"]["genie"]
    seconds = (genie["prefill_ms"] + STEPS * genie["step_ms"] + genie["sovits_ms"]) / 1000
    numbers = {"latency_s": round(seconds, 3), "memory_mb": round(genie["peak_mb"], 1)}
    return numbers | {"machine": found["about"]["machine"], "command": found["about"]["command"]}


def _table(document: dict[str, Any]) -> str:
    predicted, here, genie = (document[k] for k in ("predicted", "delivered_here", "genie_here"))
    spent = document["compress"]
    latency = predicted["latency_s"]
    rows = (
        ("size, MB", f"{predicted['size_mb']['value']:.1f}", f"{here['size_mb']['value']:.1f}", ""),
        (
            "latency, s (4 s of speech)",
            f"{latency['value']:.2f} ({latency['low']:.2f} to {latency['high']:.2f})",
            f"{here['latency_s']['value']:.2f}",
            f"{genie['latency_s']:.2f}",
        ),
        (
            "memory, MB",
            f"{predicted['memory_mb']['value']:.0f}",
            f"{here['memory_mb']['value']:.0f}",
            f"{genie['memory_mb']:.0f}",
        ),
    )
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        f"# `{REQUEST}` at full size (v2, random weights)\n\n"
        "| | predicted for the phone (90 % interval) | bundle here, 1 thread | Genie-TTS here, 1 thread |\n"
        f"|---|---|---|---|\n{lines}\n\n"
        f"`compress`: {spent['seconds'] / 60:.1f} min, {spent['cpu_seconds'] / 60:.1f} CPU-min, "
        f"{spent['peak_mb'] / 1000:.1f} GB, {document['evaluations']} points on the front. "
        "Weights are random: quality is divergence from the teacher, nothing was trained, and what it says "
        "means nothing.\n\n"
        f"* machine: {document['machine']}\n* seed: {document['seed']}\n* command: `{document['command']}`\n"
    )


if __name__ == "__main__":
    main()
