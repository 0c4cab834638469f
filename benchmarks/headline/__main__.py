"""The headline in one run: fp32 graphs, what a user would pick instead, and bundles of our front.

    python -m benchmarks.headline [--sentences 24] [--voices 4] [--hear-minutes 10] [--steps make time hear]

``make`` writes a bundle for every row (searching for ours at each of ``--budgets``, training those that
``--distil`` names, and lighter vocoders as ``--vocoders`` says), ``time`` takes latency
and memory and wants a quiet machine, ``hear`` lets all of them speak and judges them. All of it lies under
``--work``, in a folder of the weights that are shipped: stopped anywhere, the same command goes on, and with
other sentences or rounds it adds what is missing. What is there is published to ``results/headline``:
``table.csv``, ``table.json``, ``headline.md``.
"""

import argparse
import csv
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from autocompress.bundle.integrity import read_manifest
from autocompress.bundle.measuring import measure_size
from autocompress.pipeline.evaluation_data import evaluation_data
from autocompress.production.settings import Steps, read_steps
from benchmarks.headline.divergence import diverge_all
from benchmarks.headline.hearing import Readings, hear_all, heard, tasks, units
from benchmarks.headline.judging import LIMITS, Row, held, mean, times_smaller
from benchmarks.headline.making import Effort, Workshop, make_all
from benchmarks.headline.page import page, training_text
from benchmarks.headline.systems import TEACHER, Budget, System, Vocoder, systems, trained_name
from benchmarks.headline.timing import medians, memory_mb, rounds_done, time_all
from benchmarks.progress import told
from benchmarks.provenance import REPOSITORY, provenance, weights, write_json

RESULTS = REPOSITORY / "results" / "headline"
STEPS = ("make", "time", "hear")
Bundles = dict[str, Path]
Numbers = dict[str, dict[str, float]]
Trainings = dict[str, dict[str, Any]]


def main() -> None:
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal; the same command goes on"))
    os.environ["OMP_NUM_THREADS"] = "1"  # of the workers; training chooses its own
    torch.set_num_threads(1)
    shop, before = workshop(given), weights()
    distilled = [word.partition(":")[0] for word in given.distil]
    listed = systems(shop.budgets, distilled, shop.vocoders)
    bundles = made(shop, listed, given)
    numbers = measured(shop, bundles, given)
    if "hear" in given.steps:
        wanted = units(bundles, tasks(given.sentences, shop.voices), shop.work / "readings")
        hear_all(wanted, given.workers, 60 * given.hear_minutes, told)
    if weights() != before:
        sys.exit("The shipped weights changed during this run. Run it again: nothing was published.")
    publish(shop, [system for system in listed if system.name in bundles], numbers, given)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sentences", type=int, default=24)
    parser.add_argument("--voices", type=int, default=4)
    parser.add_argument(
        "--hear-minutes", type=float, default=10, help="what is not heard by then is left out"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--budgets", nargs="+", default=["5:1", "7:2", "10:4"], help="SMALLER:FASTER")
    parser.add_argument(
        "--distil",
        nargs="*",
        default=["10x"],
        help="budgets with a trained row, too: 10x, 10x:120",
    )
    parser.add_argument("--distil-steps", type=read_steps, default="auto")
    parser.add_argument(
        "--vocoders",
        nargs="*",
        default=[],
        help="a budget's point with a lighter vocoder, two rows: 10x:light:all@96,all@48,3,3,3:40m",
    )
    parser.add_argument("--trials", type=int, default=60, help="for each budget")
    parser.add_argument("--search-seconds", type=float, default=300, help="for each budget, at most")
    parser.add_argument("--pruned-like", help="whose size one-shot pruning is given (default: the middle)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--work", type=Path, default=REPOSITORY / "runs" / "headline")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def workshop(given: argparse.Namespace) -> Workshop:
    budgets = tuple(map(Budget.parse, given.budgets))
    effort = Effort(
        given.trials, given.search_seconds, given.workers, given.distil_steps, steps_by_row(given)
    )
    like = f"ours-{given.pruned_like}" if given.pruned_like else budgets[len(budgets) // 2].name
    vocoders = tuple(map(Vocoder.parse, given.vocoders))
    return Workshop(given.work, given.voices, budgets, like, effort, vocoders)


def steps_by_row(given: argparse.Namespace) -> dict[str, Steps]:
    """Of ``--distil 10x:120`` and ``--vocoders 10x:light:all,3:75m``: what these rows are trained for."""
    words = [word.partition(":") for word in given.distil]
    named = {f"ours-{budget}": steps for budget, _, steps in words if steps}
    named |= {one.name: one.steps for one in map(Vocoder.parse, given.vocoders)}
    return {trained_name(name): read_steps(steps) for name, steps in named.items()}


def made(shop: Workshop, listed: list[System], given: argparse.Namespace) -> Bundles:
    """Bundles by row, in the table's order."""
    if "make" not in given.steps:
        there = {system.name: shop.bundle(system.name) for system in listed}
        return {name: folder for name, folder in there.items() if (folder / "manifest.json").is_file()}
    return make_all(shop, listed, given.workers)


def measured(shop: Workshop, bundles: Bundles, given: argparse.Namespace) -> Numbers:
    """Size, seconds, memory and divergence of every row."""
    rounds = given.rounds if "time" in given.steps else 1
    seconds = medians(time_all(bundles, rounds, shop.work / "rounds.json", told))
    memory = memory_mb(bundles, shop.work / "memory.json")
    teacher = shop.teacher
    apart = diverge_all(
        bundles,
        lambda: evaluation_data(teacher).forced,
        teacher.gpt.config.eos,
        teacher.sample_rate_hz,
        shop.work / "divergence.json",
    )
    return {
        name: {
            "size_mb": measure_size(folder, read_manifest(folder)).size_mb,
            **seconds[name],
            "memory_mb": memory[name],
            **apart[name],
        }
        for name, folder in bundles.items()
    }


def rows_of(
    listed: list[System], said: dict[str, Readings], numbers: Numbers, trainings: Trainings
) -> list[Row]:
    return [
        Row(
            system.name,
            system.about + training_text(trainings.get(system.name, {})),
            system.ours,
            numbers[system.name]["size_mb"],
            numbers[system.name]["latency_s"],
            numbers[system.name]["times_faster"],
            said[system.name],
            tuple(held(said[system.name], said[TEACHER], limit) for limit in LIMITS),
        )
        for system in listed
    ]


def publish(shop: Workshop, listed: list[System], numbers: Numbers, given: argparse.Namespace) -> None:
    said = heard(shop.work / "readings", [system.name for system in listed])
    if not said[TEACHER]:
        sys.exit("no utterance was said by every row yet: nothing to publish. Run the step `hear`.")
    records = {system.name: shop.training(system.name) for system in listed}
    trainings = {name: record for name, record in records.items() if record is not None}
    rows = rows_of(listed, said, numbers, trainings)
    items = [item.split("/") for item in rows[0].readings]
    facts = provenance(
        shop.effort.seed,
        threads=1,
        sentences=len({sentence for sentence, _ in items}),
        voices=len({voice for _, voice in items}),
        rounds=len(rounds_done(numbers, shop.work / "rounds.json")),
    )
    flat = [_flat(row, rows[0], numbers[row.name]) for row in rows]
    fronts = {b.name: shop.found(b) for b in shop.budgets if b.name in numbers}
    write_json(given.out / "table.json", facts | {"rows": flat, "searches": fronts, "trainings": trainings})
    with (given.out / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(flat[0]))
        writer.writeheader()
        writer.writerows({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in r.items()} for r in flat)
    (given.out / "headline.md").write_text(page(rows, numbers, facts), "utf-8")
    print((given.out / "headline.md").read_text("utf-8"))


def _flat(row: Row, teacher: Row, numbers: dict[str, float]) -> dict[str, object]:
    found: dict[str, object] = {"row": row.name, "ours": row.ours, **numbers}
    found |= {"times_smaller": times_smaller(row, teacher), "utterances": len(row.readings)}
    for one in row.held:
        own = mean({item: read[one.key] for item, read in row.readings.items()})
        found |= {
            one.key: own.value,
            f"{one.key}_error": own.error,
            f"{one.key}_over_fp32": one.difference.value,
            f"{one.key}_over_fp32_error": one.difference.error,
            f"{one.key}_holds": one.holds,
            f"{one.key}_sure": one.sure,
        }
    return found


if __name__ == "__main__":
    main()
