"""Divergences against closed forms."""

import numpy as np
import pytest

from autocompress.errors import AudioError
from autocompress.metrics.divergence import (
    TeacherForced,
    kl_nats,
    mel_distance_db,
    stop_agreement,
    top_k_agreement,
)

EOS = 19


def forced(teacher: np.ndarray, candidate: np.ndarray) -> TeacherForced:
    return TeacherForced("s", teacher.astype(np.float32), candidate.astype(np.float32), eos=EOS)


def test_kl_is_the_closed_form_of_two_choices():
    p, q = np.full(20, 1e-12), np.full(20, 1e-12)
    p[:2], q[:2] = (0.9, 0.1), (0.5, 0.5)
    expected = 0.9 * np.log(0.9 / 0.5) + 0.1 * np.log(0.1 / 0.5)
    assert kl_nats(forced(np.log([p]), np.log([q]))) == pytest.approx(expected, rel=1e-5)  # float32 logits


def test_kl_ignores_a_constant_added_to_the_logits():
    logits = np.random.default_rng(0).normal(0, 3, (5, 20))
    assert kl_nats(forced(logits, logits + 100)) == pytest.approx(0, abs=1e-9)


def test_kl_is_not_symmetric_and_the_teacher_comes_first():
    wide, narrow = np.zeros((1, 20)), np.eye(1, 20) * 10
    assert kl_nats(forced(wide, narrow)) > 2 * kl_nats(forced(narrow, wide))


def test_top_15_agreement_counts_what_both_would_sample_from():
    teacher = np.arange(20.0)[None]
    candidate = teacher.copy()
    candidate[0, 5] = -1  # the least of the 15 likeliest drops out, another takes its place
    assert top_k_agreement(forced(teacher, teacher)) == 1
    assert top_k_agreement(forced(teacher, candidate)) == pytest.approx(14 / 15)
    assert top_k_agreement(forced(teacher, -teacher)) == pytest.approx(10 / 15)


def stops(*at: int) -> np.ndarray:
    logits = np.zeros((100, 20))
    logits[:, 0] = 1
    logits[list(at), EOS] = 2
    return logits


def test_never_stopping_costs_half_of_the_stop_agreement():
    assert stop_agreement(forced(stops(99), stops(99))) == 1
    assert stop_agreement(forced(stops(99), stops())) == 0.5
    assert stop_agreement(forced(stops(99), stops(*range(100)))) == 0.5


def test_stopping_early_costs_in_proportion():
    assert stop_agreement(forced(stops(), stops(1, 2, 3))) == pytest.approx(0.97)


def test_twice_the_amplitude_is_six_decibels_of_mel_distance():
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    assert mel_distance_db(2 * noise, noise, 16_000) == pytest.approx(20 * np.log10(2), abs=0.01)


def test_speech_of_another_length_cannot_come_from_the_same_tokens(clips):
    with pytest.raises(AudioError, match="same length"):
        mel_distance_db(clips["00014"].samples, clips["00008"].samples, 24_000)
