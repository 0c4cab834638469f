"""Text is cut into utterances as upstream cuts it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autocompress.models.text import finish_sentence, split_sentences
from autocompress.models.text.sentences import LONGEST_SENTENCE, METHODS


def test_sentences_end_at_marks_of_both_scripts():
    assert split_sentences("今天天气很好。我们去公园吧！Do you like it? Yes, I do") == (
        "今天天气很好。", "我们去公园吧！", "Do you like it?", "Yes, I do.",
    )  # fmt: skip


def test_a_dot_inside_of_a_number_ends_nothing():
    assert split_sentences("It costs 3.50 now. Buy it.", "en") == ("It costs 3.50 now.", "Buy it.")


def test_a_short_opening_gets_a_full_stop_in_front():
    assert split_sentences("好的，我知道了。")[0].startswith("。")
    assert split_sentences("Yes, of course.", "en")[0].startswith(".")
    assert split_sentences("Good morning.", "en") == ("Good morning.",)


def test_short_pieces_are_joined_and_marks_alone_are_skipped():
    assert split_sentences("Oh! No! Stop it now!", "en", "cut5") == (".Oh! No!", "Stop it now!")
    assert split_sentences("。。。") == ()
    assert split_sentences("   ") == ()


@pytest.mark.parametrize(("text", "language", "finished"), [
    ("hello", "en", "hello."), ("你好", "zh", "你好。"), ("你好！", "zh", "你好！"), ("", "en", ""),
])  # fmt: skip
def test_a_missing_final_mark_is_added(text, language, finished):
    assert finish_sentence(text, language) == finished


def test_cut1_joins_four_clauses_and_cut2_fifty_characters():
    text = "一二三四五。" * 12
    assert [piece.count("。") for piece in split_sentences(text, method="cut1")] == [4, 4, 4]
    assert [len(piece) for piece in split_sentences(text, method="cut2")] == [72]
    assert [len(piece) for piece in split_sentences(text * 2, method="cut2")] == [54, 90]
    assert len(split_sentences(text, method="cut3")) == 12


@given(st.text(alphabet="ab 一二。，.!?", max_size=1500), st.sampled_from(sorted(METHODS)))
@settings(max_examples=100, deadline=None)
def test_no_piece_is_too_long_and_every_letter_survives(text, method):
    pieces = split_sentences(text, method=method)
    assert all(len(piece) <= LONGEST_SENTENCE + 1 for piece in pieces)
    letters = [char for char in text if char.isalnum()]
    assert [char for piece in pieces for char in piece if char.isalnum()] == letters
