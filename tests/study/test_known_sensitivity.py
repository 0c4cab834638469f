"""What each decision loses, as far as a search has measured it."""

import pytest

from autocompress.space import load_space
from autocompress.study.encoding import Encoding
from autocompress.study.known_sensitivity import known_sensitivity
from autocompress.study.sensitivity import measure_sensitivity
from autocompress.study.testing import REFERENCE_DIMENSIONS


@pytest.fixture
def encoding(make_study) -> Encoding:
    return Encoding(make_study().space)


def test_nothing_known_gives_an_empty_table(encoding) -> None:
    assert known_sensitivity(encoding, lambda _: None).cells == ()


def test_all_known_gives_the_cells_of_the_measured_table(encoding) -> None:
    def loss(candidate):
        return 0.01 * len([n for n in candidate.values if not n.startswith("recipe.")])

    full = measure_sensitivity(encoding, loss, checks=0)
    known = known_sensitivity(encoding, loss)
    single = [c for c in known.cells if "(all" not in c.choice]
    assert single == list(full.cells)


def test_a_family_that_was_screened_at_once_is_one_cell() -> None:
    layers = Encoding(load_space("gpt-sovits", REFERENCE_DIMENSIONS))
    families = [c for c in known_sensitivity(layers, lambda _: 0.5).cells if "(all " in c.choice]
    assert families
    assert all(c.loss == 0.5 for c in families)
