"""The fitted operator table predicts points that it has not seen."""

from dataclasses import replace

import numpy as np
import pytest

from autocompress.hardware.latency import MEASURED_LOG_SIGMA, VALIDATED_SPREAD, measured_log_sigma
from autocompress.hardware.operator_fit import Shapes, fit_table
from autocompress.hardware.operator_table import Row

PEAK, BANDWIDTH, DISPATCH = 50e9, 10e9, 1e-6
RNG = np.random.default_rng(5)


def true_seconds(m: int, k: int, n: int) -> float:
    """A machine whose efficiency falls for few rows: smooth, but no plain roofline."""
    work, traffic = 2.0 * m * k * n, 4.0 * (k * n + m * (k + n))
    efficiency = m / (m + 3.0)
    return DISPATCH + max(work / (PEAK * efficiency), traffic / BANDWIDTH)


def row(m: int, k: int, n: int, threads: int = 1, noise: float = 0.0) -> Row:
    seconds = true_seconds(m, k, n) / threads**0.8 * np.exp(noise * RNG.standard_normal())
    return Row("gemm", "fp32", threads, 1, m, k, n, 1, 8_000_000, seconds, 0.01)


def table(noise: float = 0.0) -> list[Row]:
    sizes = (64, 128, 256, 512, 1024)
    rows = [row(m, k, n, t, noise) for t in (1, 4) for m in (1, 4, 16, 64, 256) for k in sizes for n in sizes]
    view = [Row("view", "fp32", t, 1, 1, 1, 1, 1, 0, DISPATCH, 0.01) for t in (1, 4)]
    return rows + view


def error(predicted: float, true: float) -> float:
    return abs(np.log(predicted / true))


@pytest.mark.parametrize("shape", [(8, 96, 384), (32, 200, 800), (100, 300, 300), (1, 700, 350)])
def test_shapes_between_the_measured_ones_are_predicted(shape) -> None:
    seconds = fit_table(table()).seconds("gemm", "fp32", 1, Shapes.of([row(*shape)]))[0]
    assert error(seconds, true_seconds(*shape)) < 0.12  # a corner of the roofline lies between two octaves


def test_noise_in_the_table_is_smoothed() -> None:
    fitted = fit_table(table(noise=0.05))
    shapes = [(8, 96, 384), (32, 200, 800), (100, 300, 300), (128, 700, 350)]
    errors = [
        error(fitted.seconds("gemm", "fp32", 1, Shapes.of([row(*s)]))[0], true_seconds(*s)) for s in shapes
    ]
    assert np.mean(errors) < 0.08  # 5 % of noise beside what the corner costs without any (see above)


def test_points_that_were_disturbed_do_not_spread_their_error() -> None:
    """One in ten takes half as long again; what is predicted beside them stays as near as without."""
    rows, rng = table(), np.random.default_rng(1)
    disturbed = [replace(r, seconds=r.seconds * (1.5 if rng.random() < 0.1 else 1.0)) for r in rows]
    shapes = [(m, k, n) for m in (8, 32, 128) for k in (96, 300, 700) for n in (96, 300, 700)]
    at, true = Shapes.of([row(*s) for s in shapes]), np.array([true_seconds(*s) for s in shapes])
    clean, found = (
        np.abs(np.log(fit_table(given).seconds("gemm", "fp32", 1, at) / true)) for given in (rows, disturbed)
    )
    assert np.mean(found) < np.mean(clean) + 0.01


def test_beyond_the_table_the_roofline_carries_on() -> None:
    fitted = fit_table(table())
    near, far = (row(1024, k, k) for k in (1024, 4096))
    a, b = fitted.seconds("gemm", "fp32", 1, Shapes.of([near, far]))
    assert 12 < b / a < 20  # sixteen times the work


def test_thread_counts_between_are_interpolated() -> None:
    fitted = fit_table(table())
    one, two, four = (fitted.seconds("gemm", "fp32", t, Shapes.of([row(64, 512, 512)]))[0] for t in (1, 2, 4))
    assert error(two, np.sqrt(one * four)) < 1e-6


def test_more_threads_than_measured_count_as_the_most() -> None:
    fitted = fit_table(table())
    at = Shapes.of([row(64, 512, 512)])
    assert fitted.seconds("gemm", "fp32", 8, at)[0] == fitted.seconds("gemm", "fp32", 4, at)[0]


def test_a_kernel_that_was_not_measured_has_a_stand_in() -> None:
    rows = [
        *table(),
        *(
            Row("elementwise", "fp32", t, 1, 1, 1, n, 1, 0, n * 1e-9, 0.0)
            for t in (1, 4)
            for n in (10, 10_000)
        ),
    ]
    fitted = fit_table(rows)
    assert fitted.seconds("fourier", "fp32", 1, Shapes.of([rows[-1]]))[0] > 0
    assert fitted.kernel("gemm", "int4", 1).precision == "fp32"


def test_a_convolution_of_its_own_kind_is_first_taken_for_a_plain_one_of_its_precision() -> None:
    plain = [
        Row("conv", precision, 1, 1, m, 96, 32, 3, 0, m * second, 0.0)
        for precision, second in (("fp32", 2e-6), ("int8", 1e-6))
        for m in (10, 100, 1000)
    ]
    fitted = fit_table([*table(), *plain])
    assert fitted.kernel("conv_dilated", "int8", 1) is fitted.kernel("conv", "int8", 1)
    assert fitted.kernel("conv_point", "fp32", 1) is fitted.kernel("conv", "fp32", 1)


def with_spread(spread: float) -> list[Row]:
    return [replace(one, spread=spread) for one in table()]


def test_a_table_as_steady_as_the_validated_one_has_its_width() -> None:
    assert measured_log_sigma(fit_table(with_spread(VALIDATED_SPREAD))) == MEASURED_LOG_SIGMA
    assert measured_log_sigma(fit_table(with_spread(0.0))) == MEASURED_LOG_SIGMA


def test_the_interval_widens_with_what_the_tables_runs_spread() -> None:
    widths = [measured_log_sigma(fit_table(with_spread(spread))) for spread in (0.08, 0.2, 0.4)]
    assert MEASURED_LOG_SIGMA < widths[0] < widths[1] < widths[2]


def test_a_few_unsteady_rows_do_not_widen_it() -> None:
    rows = with_spread(0.01)
    rows[0] = replace(rows[0], spread=0.9)
    assert measured_log_sigma(fit_table(rows)) == MEASURED_LOG_SIGMA
