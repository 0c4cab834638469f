"""One sentence as a model said it, beside all that it can be judged against."""

from dataclasses import dataclass, field

from autocompress.errors import AudioError, MalformedError
from autocompress.metrics.audio import Samples, audio_fault


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Mono audio and its sample rate; compared by identity, so that what was heard can be remembered."""

    samples: Samples = field(repr=False)
    sample_rate_hz: int

    def fault(self) -> str | None:
        """Why this cannot be scored as speech, or ``None``."""
        return audio_fault(self.samples, self.sample_rate_hz)


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """A model's ``speech`` for ``text``.

    ``voice`` is the target speaker's own recording, ``teacher`` the teacher's speech of the same sentence,
    voice and seed, ``tokens`` the semantic tokens that were spoken; ``failure`` says why nothing was said.
    """

    sentence: str
    text: str
    speech: Recording
    voice: Recording | None = None
    teacher: Recording | None = None
    tokens: tuple[int, ...] | None = None
    failure: str | None = None

    def fault(self) -> str | None:
        """Why the model's speech cannot be scored, or ``None``."""
        return self.failure or self.speech.fault()

    def required_voice(self) -> Recording:
        """The target speaker's recording; raises `MalformedError` when it is absent or unusable."""
        return _required(self.voice, "the target speaker's recording", self.sentence)

    def required_teacher(self) -> Recording:
        """The teacher's speech; raises `MalformedError` when it is absent or unusable."""
        return _required(self.teacher, "the teacher's speech", self.sentence)

    def required_tokens(self) -> tuple[int, ...]:
        """The semantic tokens; `MalformedError` when they were not kept, `AudioError` when none were made."""
        if self.tokens is None:
            raise MalformedError(
                f"Scoring sentence {self.sentence!r}: its semantic tokens are missing. Give them."
            )
        if not self.tokens:
            raise AudioError("no semantic token was generated")
        return self.tokens


def _required(recording: Recording | None, role: str, sentence: str) -> Recording:
    fault = "it is missing" if recording is None else recording.fault()
    if recording is None or fault:
        raise MalformedError(
            f"Scoring sentence {sentence!r} against {role}: {fault}. Give a usable recording."
        )
    return recording
