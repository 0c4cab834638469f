"""A model that breaks down while it speaks has failed, with its reason; it is no crash and no good score."""

import numpy as np
import pytest

from autocompress.errors import AudioError, MalformedError, TextError
from autocompress.metrics.evaluation_set import EvaluationSet, ReferenceVoice, Sentence
from autocompress.metrics.metric import Metric
from autocompress.metrics.spoken import hear, utterance
from autocompress.metrics.utterance import Recording, Utterance

RATE = 16_000
TONE = np.sin(np.arange(RATE) / 10).astype(np.float32)
VOICE = ReferenceVoice("ada", Recording(TONE, RATE), "words")
TASKS = EvaluationSet(0, tuple(Sentence(f"s{i}", "Yes.", "en") for i in range(4)), (VOICE,)).in_turn()
LOUDNESS = Metric("loudness", "1", 0.0, 0.0, Utterance.fault, lambda u: float(np.abs(u.speech.samples).max()),
                  higher_is_better=True)  # fmt: skip


def speaker(*answers):
    """Says each of ``answers`` in turn: audio, or an error."""
    left = list(answers)

    def say(task):
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return utterance(task, answer, RATE, (1, 2))

    say.left = left
    return say


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (np.full(RATE, np.nan, np.float32), "NaN"),
        (np.zeros(RATE, np.float32), "silent"),
        (np.zeros(0, np.float32), "empty"),
        (AudioError("predicts NaN for token 3"), "AudioError: predicts NaN for token 3"),
        (RuntimeError("shape mismatch"), "RuntimeError: shape mismatch"),
        (ZeroDivisionError("0"), "ZeroDivisionError"),
    ],
)
def test_a_model_that_gives_no_speech_has_failed_with_the_reason(answer, reason) -> None:
    heard = hear(speaker(*[answer] * 4), TASKS, [LOUDNESS], seed=0)
    assert heard.failure is not None
    assert reason in heard.failure
    assert not heard.scores


def test_listening_ends_when_most_sentences_are_lost() -> None:
    say = speaker(*[np.zeros(RATE, np.float32)] * 3, TONE)
    assert "3 of 3 sentences" in str(hear(say, TASKS, [LOUDNESS], seed=0).failure)
    assert len(say.left) == 1


def test_one_broken_sentence_counts_as_the_worst_value() -> None:
    heard = hear(speaker(TONE, TONE, RuntimeError("broken"), TONE), TASKS, [LOUDNESS], seed=0)
    assert heard.failure is None
    assert heard.scores["loudness"].value == pytest.approx(0.75, abs=0.01)
    assert [f.reason for f in heard.scores["loudness"].failures] == ["RuntimeError: broken"]


def test_a_fault_of_the_evaluation_itself_is_no_fault_of_the_candidate() -> None:
    for error in (TextError("no such language"), MalformedError("the teacher's recording is missing")):
        with pytest.raises(type(error)):
            hear(speaker(error), TASKS, [LOUDNESS], seed=0)
