"""A few runs calibrate a device: on measured tables, on made ones, and at the edges."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autocompress.errors import ProfileError
from autocompress.hardware.calibration import Prior, Rate, calibrate
from autocompress.hardware.table_fit import fit_table
from autocompress.hardware.transformer_table import read_transformer_table

DATA = Path(__file__).parents[1] / "data" / "hardware"
RASPBERRY = DATA / "hat_raspberry_pi_4.csv"
PRIOR = Prior(
    ("work", "calls"),
    (Rate("work", 1.0, 1.0, ("work",)), Rate("calls", 1.0, 2.0, ("calls",), is_regime=True)),
)


def rows_of(work_rate: float, call_rate: float, n: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    components = np.stack([rng.uniform(1, 10, n), rng.uniform(1, 5, n)], axis=1)
    exact = components @ [work_rate, call_rate]
    return components, exact * np.exp(noise * rng.standard_normal(n))


@pytest.mark.parametrize("rates", [(1e-3, 1e-3), (5.0, 0.2), (0.2, 5.0)])
def test_exact_runs_give_the_rates_back(rates) -> None:
    components, latency = rows_of(*rates, n=12)
    device = calibrate(components[:6], latency[:6], PRIOR)
    # 5 %: the prior's pull on six runs whose noise is believed to be 3 %.
    np.testing.assert_allclose(device.predict(components[6:]).median, latency[6:], rtol=0.05)


def test_one_wild_run_does_not_spoil_the_rest() -> None:
    components, latency = rows_of(2.0, 1.0, n=30)
    latency[0] *= 6
    device = calibrate(components[:10], latency[:10], PRIOR)
    errors = np.abs(device.predict(components[10:]).median / latency[10:] - 1)
    assert errors.max() < 0.05  # an ordinary mean of ten would be 50 % off


def test_the_unit_of_the_runs_does_not_matter() -> None:
    components, latency = rows_of(2.0, 1.0, n=12, noise=0.03)
    seconds = calibrate(components, latency, PRIOR).predict(components).median
    milliseconds = calibrate(components, 1000 * latency, PRIOR).predict(components).median
    np.testing.assert_allclose(milliseconds, 1000 * seconds, rtol=1e-3)  # the climb's stopping rule


def test_more_runs_narrow_the_interval() -> None:
    components, latency = rows_of(2.0, 1.0, n=60, noise=0.03)
    few = calibrate(components[:3], latency[:3], PRIOR).predict(components).log_sigma
    many = calibrate(components, latency, PRIOR).predict(components).log_sigma
    assert np.all(many < few)


def test_intervals_of_noisy_runs_cover_what_they_promise() -> None:
    components, latency = rows_of(2.0, 1.0, n=400, noise=0.04)
    forecast = calibrate(components[:10], latency[:10], PRIOR).predict(components[10:])
    inside = np.abs(np.log(latency[10:] / forecast.median)) <= 1.645 * forecast.log_sigma
    assert 0.85 <= inside.mean() <= 1.0


def test_ten_runs_on_a_raspberry_pi_predict_the_other_transformers() -> None:
    report = fit_table(read_transformer_table(RASPBERRY), 10, 20)
    assert report.mean_error <= 0.025
    assert (
        report.within_10_percent >= 0.95
    )  # 2.9 % of the rows of the whole table are outliers; of these 300, 3.7 %
    assert report.spearman >= 0.98
    assert 0.85 <= report.coverage_90 <= 0.98


@pytest.mark.parametrize(
    ("name", "column", "n_calibrate", "mean_error"),
    [
        ("hat_titan_xp", "latency_mean_decoder", 10, 0.03),  # a GPU: dispatch is everything
        ("hat_xeon", "latency_mean_decoder", 10, 0.06),  # a noisy server: its own repeats differ by 4 %
        ("hat_titan_xp", "latency_mean_encoder", 5, 0.05),
        (
            "hat_raspberry_pi_4",
            "latency_mean_encoder",
            10,
            0.16,
        ),  # 7 % of the rows ran up to ten times too long
        ("hat_raspberry_pi_4", "latency_mean_decoder", 3, 0.06),
    ],
)
def test_the_same_prior_serves_other_devices_columns_and_counts(
    name, column, n_calibrate, mean_error
) -> None:
    report = fit_table(read_transformer_table(DATA / f"{name}.csv", column), n_calibrate, 10)
    assert report.mean_error <= mean_error
    assert report.worst_draw >= report.mean_error


def test_shuffled_latencies_cannot_be_predicted() -> None:
    table = read_transformer_table(RASPBERRY)
    shuffled = np.random.default_rng(0).permutation(table.latency)
    report = fit_table(type(table)(table.components, shuffled, table.prior, table.column), 10, 5)
    assert report.mean_error > 0.15
    assert abs(report.spearman) < 0.2


def test_the_same_seed_gives_the_same_numbers_in_another_process() -> None:
    command = [sys.executable, "-m", "autocompress.cli", "devices", "fit", str(RASPBERRY), "--calibrate", "5"]
    code = "from autocompress.cli import main; import sys; sys.argv = sys.argv[1:]; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "autocompress",
        *command[3:],
        "--draws",
        "3",
        "--seed",
        "4",
        "--json",
    ]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == fit_table(read_transformer_table(RASPBERRY), 5, 3, 4).summary()
    assert list(json.loads(printed)) == ["mean_error", "within_10_percent", "worst_draw", "spearman"]


def test_a_missing_column_is_named_with_the_nearest(tmp_path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(RASPBERRY.read_text("utf-8").replace("decoder_layer_num", "decoder_layers", 1), "utf-8")
    with pytest.raises(ProfileError, match=r"'decoder_layer_num' \(nearest there: 'decoder_layers'\)"):
        read_transformer_table(path)


def test_impossible_rows_are_refused_with_their_lines(tmp_path) -> None:
    lines = RASPBERRY.read_text("utf-8").splitlines()
    path = tmp_path / "table.csv"
    path.write_text(
        "\n".join([lines[0], lines[1], "0" + lines[2], lines[3].replace(lines[3].split(",")[11], "-4")])
    )
    with pytest.raises(
        ProfileError, match=r"line 4: latency_mean_decoder must be a number above zero, found '-4'"
    ):
        read_transformer_table(path)


@pytest.mark.parametrize("count", [0, 299, 1000])
def test_counts_that_leave_nothing_to_test_are_refused(count) -> None:
    with pytest.raises(ProfileError, match="Choose from 1 to 298"):
        fit_table(read_transformer_table(RASPBERRY), count, 1)


def test_a_column_that_names_neither_half_is_fitted_with_both(tmp_path) -> None:
    import csv

    path = tmp_path / "total.csv"
    with RASPBERRY.open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["latency_total"] = str(float(row["latency_mean_decoder"]) + 200)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert fit_table(read_transformer_table(path, "latency_total"), 10, 5).mean_error < 0.03
