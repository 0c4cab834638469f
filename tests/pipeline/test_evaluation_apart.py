"""What candidates are judged on is apart from what importance is measured on and from what students learn."""

from autocompress.metrics.evaluation_set import read_evaluation_set
from autocompress.models.reference import EVALUATION_SET, VOICES
from autocompress.models.voice_sources import read_voices
from autocompress.pipeline.evaluation_data import FORCED_CASES, SPOKEN_SENTENCES, SPOKEN_VOICES
from autocompress.production.sentences import training_sentences


def test_no_sentence_of_the_evaluation_set_is_a_voices_prompt_or_a_lesson() -> None:
    evaluation = read_evaluation_set(EVALUATION_SET)
    evaluation.refuse_overlap([source.transcript for source in read_voices(VOICES)], "calibration")
    evaluation.refuse_overlap(training_sentences("en"), "training")


def test_eight_sentences_are_spoken_in_four_voices_evenly_and_are_not_those_that_are_fed() -> None:
    evaluation = read_evaluation_set(EVALUATION_SET)
    assert (SPOKEN_SENTENCES, SPOKEN_VOICES) == (8, 4)
    tasks = evaluation.first(SPOKEN_SENTENCES, SPOKEN_VOICES).in_turn()
    voices = [task.voice.name for task in tasks]
    assert {voices.count(name) for name in voices} == {2}
    assert len({task.sentence.id for task in tasks}) == 8
    fed = {sentence.id for sentence in evaluation.sentences[-FORCED_CASES:]}
    assert not fed & {task.sentence.id for task in tasks}
