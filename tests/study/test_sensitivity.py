"""The sensitivity table: cells, additivity, correction."""

import numpy as np
import pytest

from autocompress.space import load_space
from autocompress.study.encoding import Encoding
from autocompress.study.sensitivity import SensitivityTable, fit_correction, measure_sensitivity
from autocompress.study.testing import REFERENCE_DIMENSIONS, SyntheticEvaluator


@pytest.fixture(scope="module")
def encoding() -> Encoding:
    return Encoding(load_space("gpt-sovits", REFERENCE_DIMENSIONS))


def test_each_cell_is_what_its_option_loses_alone(encoding: Encoding) -> None:
    evaluator = SyntheticEvaluator()
    table = measure_sensitivity(encoding, evaluator.quality_loss, checks=4)
    cells = {(c.choice, c.option): c.loss for c in table.cells}
    space = encoding.space
    assert cells["gpt.keep.2", False] == evaluator.quality_loss(space.candidate({"gpt.keep.2": False}))
    both = evaluator.quality_loss(
        space.candidate({"storage.gpt.ffn.1": "int8", "compute.gpt.ffn.1": "dynamic-int8"})
    )
    alone = evaluator.quality_loss(space.candidate({"storage.gpt.ffn.1": "int8"}))
    assert cells["compute.gpt.ffn.1", "dynamic-int8"] == pytest.approx(both - alone)
    assert not any(name.startswith("recipe") for name, _ in cells)


def test_a_hard_pruned_vocoder_is_measured_though_its_guard_is_shut(encoding: Encoding) -> None:
    table = measure_sensitivity(encoding, SyntheticEvaluator().quality_loss, checks=4)
    cells = {(c.choice, c.option): c.loss for c in table.cells}
    assert cells["sovits.vocoder.channels.0", 48] > cells["sovits.vocoder.channels.0", 96] > 0


def test_an_additive_model_needs_no_correction(encoding: Encoding) -> None:
    def additive(candidate) -> float:
        """A family of the GPT counts once, whichever layers are left to have it."""
        names = (name for name in candidate.values if not name.startswith(("recipe", "gpt.ffn")))
        families = {name.rsplit(".", 1)[0] if "gpt." in name else name for name in names}
        return float(sum(0.01 * (1 + len(name) % 7) for name in families))

    table = measure_sensitivity(Encoding(load_space("quick", REFERENCE_DIMENSIONS)), additive, checks=12)
    assert table.correction.rank_correlation > 0.99
    assert table.correction.power == pytest.approx(1.0, abs=0.1)


def test_the_correction_recovers_a_power_law() -> None:
    totals = np.geomspace(0.1, 10, 12)
    correction = fit_correction([(t, 0.5 * t**1.3) for t in totals])
    assert (correction.scale, correction.power) == pytest.approx((0.5, 1.3))
    assert correction.error_after < 1e-9 < correction.error_before


def test_the_correction_lessens_the_error_on_a_model_that_does_not_add_up(encoding: Encoding) -> None:
    table = measure_sensitivity(encoding, SyntheticEvaluator().quality_loss, checks=24)
    assert table.correction.error_after < table.correction.error_before
    assert table.correction.rank_correlation > 0.8


def test_a_decision_that_breaks_the_model_is_the_worst(encoding: Encoding) -> None:
    table = measure_sensitivity(
        encoding,
        lambda c: None if "storage.sovits.flow" in c.values else SyntheticEvaluator().quality_loss(c),
        checks=2,
    )
    broken = [c for c in table.cells if c.failed]
    assert {c.choice for c in broken} >= {"storage.sovits.flow"}
    assert min(c.loss for c in broken) > max(c.loss for c in table.cells if not c.failed)


def test_a_table_survives_its_dictionary(encoding: Encoding) -> None:
    table = measure_sensitivity(encoding, SyntheticEvaluator().quality_loss, checks=5)
    assert SensitivityTable.from_dict(table.to_dict()) == table


def test_a_study_measures_its_table_once(make_study) -> None:
    study = make_study()
    table = study.sensitivity(checks=4)
    count = study.store.count()
    assert study.sensitivity(checks=4) == table
    assert study.store.count() == count
