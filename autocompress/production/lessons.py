"""Which lessons a student gets, and how many: from recordings and from the teacher, within the time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from autocompress.errors import MalformedError
from autocompress.models.training.corpus import read_corpus
from autocompress.models.training.taught import Taught
from autocompress.production.settings import AUTO_LIMIT_S, TrainingSettings
from autocompress.production.teaching import Classroom, Topic

TIME_SHARE = 0.35
"""Of a limited time, this share goes to lessons at most."""
LEAST, AUTO, MOST = 8, 48, 1600


@dataclass(frozen=True, eq=False)
class Lessons:
    """What was ``taught`` of the ``asked`` topics."""

    taught: list[Taught] = field(repr=False)
    asked: int


@dataclass(frozen=True)
class LessonPlan:
    """``known``: how many topics an earlier run of the same training took; it takes as many again."""

    settings: TrainingSettings
    steps: int
    known: int | None = None
    stage: Callable[[str], None] = lambda _: None

    def taken(self, room: Classroom) -> Lessons:
        """The lessons, spoken or read. Raises MalformedError where there is too little to learn from."""
        topics = self._topics(room)
        lessons = self._taught(room, topics)
        self._check(lessons, topics[: lessons.asked])
        return lessons

    def _topics(self, room: Classroom) -> list[Topic]:
        """Half from the recordings where there are any; the rest is the teacher's own."""
        count = self.known or self._count()
        if self.settings.recordings is None:
            return room.topics(count)
        real = room.recorded_topics(read_corpus(self.settings.recordings))[: count // 2]
        own = room.topics(count - len(real))
        mixed = [topic for pair in zip(own, real, strict=False) for topic in pair]
        return mixed + own[len(real) :]

    def _count(self) -> int:
        if self.settings.n_lessons is not None:
            return self.settings.n_lessons + self.settings.n_held_out
        wished = self.steps // 2
        if self.settings.timed:
            wished = max(AUTO, round(AUTO * self.settings.time_s / AUTO_LIMIT_S))
        return min(MOST, max(2 * LEAST, wished))

    def _taught(self, room: Classroom, topics: Sequence[Topic]) -> Lessons:
        lessons: list[Taught] = []
        timed, since = self.settings.timed and self.known is None, time.monotonic()
        for done, topic in enumerate(topics, 1):
            lessons += room.teach([topic])
            self.stage(f"the teacher speaks {done} of {len(topics)} lessons")
            late = timed and time.monotonic() - since > self.settings.time_s * TIME_SHARE
            if late and len(lessons) >= LEAST:
                return Lessons(lessons, done)
        return Lessons(lessons, len(topics))

    def _check(self, lessons: Lessons, topics: Sequence[Topic]) -> None:
        real = sum(topic.clip is not None for topic in topics)
        if real and not any(lesson.recorded for lesson in lessons.taught):
            raise MalformedError(
                f"none of the {real} recordings tried of {self.settings.recordings} could be used. "
                "They need audible speech, and the model its content encoder (for the reference model: the "
                "extra 'clone'). Mend them, or leave --recordings out."
            )
        if len(lessons.taught) <= self.settings.n_held_out:
            raise MalformedError(
                f"the teacher said only {len(lessons.taught)} of {lessons.asked} lessons. Check that it "
                "speaks and that its recordings suit it, or give --distil-steps 0."
            )
