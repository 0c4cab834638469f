"""Whether the training of a front is heard: two bundles of one candidate whose SoVITS alone differ.

    python -m benchmarks.distillation.front NAME=TRAINED,UNTRAINED… [--work build/front]

TRAINED and UNTRAINED are bundles of the same candidate, rows of ``benchmarks.headline``. The trained GPT says
the evaluation set with both fronts, so both get the same tokens, and differences are paired. Writes
``results/distillation/front.json``; what was heard is kept in ``--work``.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

from autocompress.bundle.integrity import sha256_of
from autocompress.models.teacher import load_teacher
from benchmarks.headline.hearing import HEARD, hear_all, heard, known_voices, tasks, units
from benchmarks.headline.judging import paired
from benchmarks.progress import told
from benchmarks.provenance import REPOSITORY, provenance, write_json

OUT = REPOSITORY / "results" / "distillation" / "front.json"
SENTENCES, VOICES = 24, 4
GRAPH = "sovits.onnx"


def main() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"  # of the workers
    given = _arguments()
    rows = {}
    for word in given.pairs:
        name, _, folders = word.partition("=")
        trained, untrained = map(Path, folders.split(","))
        rows[name] = compare(trained, untrained, given.work / name, given.workers)
    write_json(OUT, provenance(utterances=SENTENCES * VOICES, trained_minus_untrained=rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("pairs", nargs="+", metavar="NAME=TRAINED,UNTRAINED")
    parser.add_argument("--work", type=Path, default=Path("build/front"))
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args()


def compare(trained: Path, untrained: Path, work: Path, workers: int) -> dict[str, object]:
    """Paired differences and their standard errors by metric, and what the training said of itself."""
    bundles = {"trained": trained, "untrained": with_front(trained, untrained, work / "bundle")}
    cast = known_voices(load_teacher("reference").voices, VOICES)
    hear_all(units(bundles, tasks(SENTENCES, cast), work), workers, 3600, told)
    readings = heard(work, list(bundles))
    differences = {key: paired(readings["trained"], readings["untrained"], key) for key in HEARD}
    return {key: {"difference": d.value, "error": d.error} for key, d in differences.items()} | _distance(
        trained
    )


def with_front(bundle: Path, other: Path, out: Path) -> Path:
    """``bundle`` with the SoVITS of ``other``, under its own hash."""
    if not out.is_dir():
        shutil.copytree(bundle, out)
    shutil.copy(other / GRAPH, out / GRAPH)
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    entry = next(file for file in manifest["files"] if file["path"] == GRAPH)
    entry |= {"sha256": sha256_of(out / GRAPH), "size_bytes": (out / GRAPH).stat().st_size}
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return out


def _distance(trained: Path) -> dict[str, object]:
    """Mel distance of the front before and after its training, in dB, from the summary beside the bundle."""
    summaries = sorted((trained.parent / "training").glob("*/summary.json"))
    parts = [part for path in summaries for part in json.loads(path.read_text("utf-8"))["parts"]]
    front = next((part for part in parts if part["part"] == "front"), None)
    if front is None:
        return {}
    return {
        "steps": front["steps"],
        "untrained_db": front["untrained_loss"],
        "trained_db": front["trained_loss"],
    }


if __name__ == "__main__":
    main()
