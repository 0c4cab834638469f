"""Saying a text into a recording, as the command does."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autocompress.bundle.graphs import GraphSettings
from autocompress.bundle.runtime import Bundle
from autocompress.bundle.sessions import OnSwitch, Switch
from autocompress.errors import BundleError
from autocompress.models.voice import Voice


@dataclass(frozen=True)
class Wanted:
    """What to say; ``voice`` is a name or a saved voice's path (.npz), ``out`` a .wav path."""

    text: str
    voice: str
    out: Path
    deadline_s: float | None = None
    language: str = "auto"
    seed: int = 0


@dataclass(frozen=True)
class Said:
    """A recording that was written, and how fast."""

    out: str
    seconds: float
    audio_s: float
    sample_rate_hz: int
    tier: str
    switches: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"rtf": self.seconds / self.audio_s}

    def as_text(self) -> str:
        return f"{self.out}: {self.audio_s:.2f} s of speech in {self.seconds:.2f} s (tier {self.tier})"


def say_to_file(folder: Path, wanted: Wanted, *, threads: int = 0, on_switch: OnSwitch | None = None) -> Said:
    """Load the bundle at ``folder`` and write the recording that is wanted."""
    import soundfile

    switches: list[Switch] = []

    def heard(switch: Switch) -> None:
        switches.append(switch)
        if on_switch is not None:
            on_switch(switch)

    settings = GraphSettings(threads, on_switch=heard)
    bundle = Bundle.load(folder, settings)
    chosen = Voice.load(wanted.voice) if wanted.voice.endswith(".npz") else wanted.voice
    started = time.perf_counter()
    audio = bundle.say(
        wanted.text, chosen, wanted.seed, deadline_s=wanted.deadline_s, language=wanted.language
    )
    seconds = time.perf_counter() - started
    try:
        soundfile.write(wanted.out, audio, bundle.sample_rate_hz)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise BundleError(
            f"the recording {wanted.out} could not be written ({error}). Choose a .wav path."
        ) from error
    rate = bundle.sample_rate_hz
    return Said(str(wanted.out), seconds, len(audio) / rate, rate, bundle.tier, tuple(map(str, switches)))
