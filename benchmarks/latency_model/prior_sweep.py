"""How much the result with few runs hangs on the priors: each width halved and doubled, and the heads moved.

    python benchmarks/latency_model/prior_sweep.py --table hat_a72_wmt14_ende.csv [--draws 50]

Writes ``prior_sweep.csv`` and ``prior_sweep.json`` to ``results/latency_model``. Needs no quiet machine.
"""

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from public_rows import environment

from autocompress.hardware.calibration import Prior, Rate
from autocompress.hardware.table_fit import fit_table
from autocompress.hardware.transformer_table import read_transformer_table

RESULTS = Path(__file__).resolve().parents[2] / "results" / "latency_model"
RUNS = 10
HEADS_MOVED = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=50)
    given = parser.parse_args()
    table = read_transformer_table(given.table)
    rows = []
    for what, prior in variants(table.prior):
        report = fit_table(replace(table, prior=prior), RUNS, given.draws)
        rows.append(
            {
                "changed": what,
                "mean_error": round(report.mean_error, 5),
                "within_10_percent": round(report.within_10_percent, 5),
            }
        )
        print(rows[-1], flush=True)
        write(rows, given)


def variants(prior: Prior) -> Iterator[tuple[str, Prior]]:
    """What is changed, and the prior that it gives."""
    yield "nothing", prior
    for rate in prior.rates:
        for factor in (0.5, 2.0):
            yield (
                f"width of {rate.name} x {factor:g}",
                _with(prior, rate, replace(rate, log_sd=factor * rate.log_sd)),
            )
    for rate in prior.rates:
        if rate.name.endswith("heads"):
            yield (
                f"mean of {rate.name} x {HEADS_MOVED:g}",
                _with(prior, rate, replace(rate, mean=HEADS_MOVED * rate.mean)),
            )


def _with(prior: Prior, old: Rate, new: Rate) -> Prior:
    return replace(prior, rates=tuple(new if rate is old else rate for rate in prior.rates))


def write(rows: list[dict], given: argparse.Namespace) -> None:
    with (RESULTS / "prior_sweep.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    base = rows[0]["mean_error"]
    summary = {
        **environment(),
        "command": f"python benchmarks/latency_model/prior_sweep.py --table {given.table.name}",
        "calibrating_rows": RUNS,
        "draws": given.draws,
        "variants": len(rows),
        "mean_error": base,
        "largest_change_of_mean_error": max(abs(row["mean_error"] - base) for row in rows),
        "largest_change_of_a_width": max(
            abs(row["mean_error"] - base) for row in rows if not row["changed"].startswith("mean of")
        ),
    }
    (RESULTS / "prior_sweep.json").write_text(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    main()
