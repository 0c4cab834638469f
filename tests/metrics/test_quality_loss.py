"""One number for loss of quality, in closed form."""

import numpy as np
import pytest

from autocompress.metrics.quality_loss import SPEECH_UNITS, divergence_loss, speech_loss
from autocompress.metrics.teacher_forced import KL_SCALE_NATS, MEL_SCALE_DB, HalfScore

TEACHER = {
    "similarity": {"a/x": 0.9, "b/x": 0.8},
    "mos": {"a/x": 3.5, "b/x": 3.1},
    "cer": {"a/x": 0.0, "b/x": 0.1},
}


def changed(**amounts):
    return {n: {i: v + amounts.get(n, 0.0) for i, v in items.items()} for n, items in TEACHER.items()}


def test_the_teacher_loses_nothing() -> None:
    loss = speech_loss(TEACHER, TEACHER, seed=0)
    assert (loss.low, loss.value, loss.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("name", "sign"), [("similarity", -1), ("mos", -1), ("cer", 1)])
def test_one_unit_worse_is_one_unit_of_loss(name, sign) -> None:
    worse = speech_loss(changed(**{name: sign * SPEECH_UNITS[name]}), TEACHER, seed=0)
    assert worse.value == pytest.approx(1.0)
    assert speech_loss(changed(**{name: -sign * SPEECH_UNITS[name]}), TEACHER, seed=0).value < 0


def test_a_hard_sentence_does_not_widen_the_interval() -> None:
    # Both items lose the same, although the teacher's own values differ.
    loss = speech_loss(changed(mos=-0.3), TEACHER, seed=0)
    assert loss.high - loss.low == pytest.approx(0.0, abs=1e-9)


def test_what_cannot_be_heard_here_is_left_out() -> None:
    without = {name: values for name, values in TEACHER.items() if name != "cer"}
    assert speech_loss(without, TEACHER, seed=0).value == 0.0


def test_both_halves_weigh_the_same_at_the_divergence_rung() -> None:
    def halves(kl, mel):
        return (
            HalfScore({"kl": tuple(np.full(3, kl))}),
            HalfScore({"mel_distance": tuple(np.full(3, mel))}),
        )

    gpt_only = {m.key: m for m in divergence_loss(*halves(KL_SCALE_NATS, 0.0), seed=0)}
    sovits_only = {m.key: m for m in divergence_loss(*halves(0.0, MEL_SCALE_DB), seed=0)}
    assert gpt_only["quality_loss"].value == pytest.approx(0.5)
    assert sovits_only["quality_loss"].value == pytest.approx(0.5)
    assert gpt_only["divergence"].value == pytest.approx(KL_SCALE_NATS)
    assert sovits_only["divergence"].value == 0.0
