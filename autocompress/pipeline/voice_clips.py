"""Every voice of a bundle says one sentence, for the report of its run."""

from collections.abc import Callable
from pathlib import Path

from autocompress.bundle import Bundle
from autocompress.errors import AutocompressError
from autocompress.metrics.audio import audio_fault
from autocompress.reporting.clips import read_clips, write_clips
from autocompress.reporting.data import Sentence
from autocompress.reporting.run_audio import VOICES, VOICES_SENTENCE

Stage = Callable[[str], None]


def save_voice_clips(run: Path, bundle: Path, text: str, stage: Stage = lambda _: None) -> None:
    """Write ``RUN/voices``: ``text`` by every voice of the bundle, seed 0; those that are there stay.

    A voice that fails or is silent is told and left out.
    """
    folder = run / VOICES
    known = read_clips(folder)
    if [s.text for s in known.sentences] not in ([], [text]):
        (folder / "clips.json").unlink()  # another sentence: all voices say the new one
        known = read_clips(folder)
    speaker = Bundle.load(bundle)
    missing = [name for name in speaker.voices.names() if not known.of(name)]
    for number, name in enumerate(missing, 1):
        stage(f"voice {number} of {len(missing)}: {name}")
        try:
            audio = speaker.say(text, name, 0)
        except AutocompressError as error:
            stage(f"{name} does not speak: {error}")
            continue
        if fault := audio_fault(audio, speaker.sample_rate_hz):
            stage(f"{name} is left out: {fault}")
            continue
        said = {VOICES_SENTENCE: (audio, speaker.sample_rate_hz)}
        write_clips(folder, [Sentence(VOICES_SENTENCE, text, "")], {name: said})
