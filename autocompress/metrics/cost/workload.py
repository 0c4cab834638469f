"""The reference workload of a speaking device (design.md, section 5)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SpeechWorkload:
    """``prompt_tokens`` are 3 s of a voice, its words half of ``phonemes``; ``tokens`` are 4 s of speech."""

    phonemes: int = 60
    target_phonemes: int = 30
    prompt_tokens: int = 75
    tokens: int = 100
    tokens_per_s: float = 25.0

    @property
    def frames(self) -> int:
        """Latent frames of the speech: two a token."""
        return 2 * self.tokens

    @property
    def audio_s(self) -> float:
        return self.tokens / self.tokens_per_s

    @property
    def cached_positions(self) -> int:
        """Cache length at the middle of decoding: a step's time grows linearly, so the middle is the mean."""
        return self.phonemes + self.prompt_tokens + self.tokens // 2


REFERENCE_WORKLOAD = SpeechWorkload()
