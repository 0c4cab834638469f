"""Repeated, skipped and looping speech is counted; what the text itself repeats is not."""

import numpy as np
import pytest

from autocompress.metrics.intelligibility import compare
from autocompress.metrics.repetition import Fluency, fluency, loop_share, repeated_items


def test_a_repeated_phrase_counts_its_words():
    assert repeated_items(["a", "b", "a", "b", "c"]) == 2
    assert repeated_items(["a", "a", "a", "a"]) == 3
    assert repeated_items(["a", "b", "c", "a", "b", "d"]) == 0
    assert repeated_items([]) == 0


def test_fluent_speech_neither_repeats_nor_skips():
    assert fluency(compare("the cat sat", "The cat sat.")) == Fluency(0, 0)


def test_stutter_and_omission_are_told_apart():
    assert fluency(compare("the cat sat down", "the cat the cat sat down")) == Fluency(0.5, 0)
    assert fluency(compare("the cat sat down", "the cat")) == Fluency(0, 0.5)


def test_repeats_in_the_text_are_forgiven():
    assert fluency(compare("no no no", "no no no")).repetition_rate == 0


def test_a_loop_of_tokens_is_found_at_any_period():
    head = list(range(100, 140))
    assert loop_share(head) == 0
    assert loop_share(head + [7] * 40) == pytest.approx(0.5)
    assert loop_share(head + [7, 8, 9, 10] * 10) == pytest.approx(0.5)


def test_a_held_sound_and_a_short_pause_are_no_loop():
    assert loop_share([1, 2, 3, 3, 3, 3, 4, 5] + [9] * 20 + [6, 7]) == 0


def test_random_tokens_do_not_loop():
    assert loop_share(np.random.default_rng(0).integers(0, 512, 500).tolist()) == 0
