"""Edit counts against closed forms."""

from hypothesis import given
from hypothesis import strategies as st

from autocompress.metrics.edit_distance import Edits, count_edits

WORDS = st.lists(st.sampled_from("abc"), max_size=8)


def test_kitten_becomes_sitting_in_three_edits():
    assert count_edits("kitten", "sitting") == Edits(substituted=2, deleted=0, inserted=1, n_expected=6)


def test_an_empty_side_is_all_deleted_or_all_inserted():
    assert count_edits("abc", "") == Edits(0, 3, 0, 3)
    assert count_edits("", "abc") == Edits(0, 0, 3, 0)


@given(WORDS, WORDS)
def test_the_counts_explain_the_lengths_and_the_bounds_hold(one: list[str], other: list[str]):
    edits = count_edits(one, other)
    total = edits.substituted + edits.deleted + edits.inserted
    assert len(one) - edits.deleted + edits.inserted == len(other)
    assert abs(len(one) - len(other)) <= total <= max(len(one), len(other))
    assert (total == 0) == (one == other)


@given(WORDS, WORDS)
def test_the_distance_is_symmetric(one: list[str], other: list[str]):
    forth, back = count_edits(one, other), count_edits(other, one)
    assert (
        forth.substituted + forth.deleted + forth.inserted == back.substituted + back.deleted + back.inserted
    )
