"""What ablations are judged on: sentences as the teacher says them, and how one half of a student scores."""

from collections.abc import Iterator, Sequence

import numpy as np

from autocompress.metrics.evaluation_set import read_evaluation_set
from autocompress.metrics.score import Estimate, bootstrap
from autocompress.metrics.teacher_forced import HalfScore, TeacherForcedSet
from autocompress.models.reference import EVALUATION_SET
from autocompress.models.teacher import Teacher
from autocompress.pipeline.evaluation_data import forced_case


def teacher_forced_set(teacher: Teacher, n_sentences: int, n_voices: int) -> TeacherForcedSet:
    """The first sentences of the evaluation set, its voices taking turns, with the teacher's own answers."""
    whole = read_evaluation_set(EVALUATION_SET)
    known = [voice.name for voice in whole.voices if voice.name in teacher.voices]
    names = (known or sorted(teacher.voices))[:n_voices]
    cases = [
        forced_case(
            teacher, s.id, s.text, s.language, teacher.voices[names[i % len(names)]], seed=whole.seed + i
        )
        for i, s in enumerate(whole.sentences[:n_sentences])
    ]
    return TeacherForcedSet.of(teacher.gpt, teacher.sovits, cases)


def estimates(scored: HalfScore, sentences: Sequence[str], seed: int = 0) -> Iterator[tuple[str, Estimate]]:
    """Every metric of a half with its 90 % interval over sentences; none when the half failed."""
    for metric, values in scored.values.items():
        yield metric, bootstrap(np.array(values), sentences, seed=seed)
