"""SoVITS on ONNX Runtime, window by window: speech starts before its sentence is synthesized.

Legend: N tokens, T = 2 N frames at 50 Hz, P phonemes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autocompress.bundle.manifest import AudioSettings
from autocompress.bundle.sessions import Session
from autocompress.errors import BundleError
from autocompress.models.audio import Samples
from autocompress.models.voice import Ids

SEAM_LIMITS_DB = (-80.0, -46.0)
"""Difference of windows with their margin to one pass: equal but for rounding, or else 6 dB below the -40 dB
that is asked (kernels that scale by the values they see, as dynamic int8 does, are never equal)."""
_MARGINS = (4, 8, 12, 14, 16, 20, 24, 32)


@dataclass(frozen=True)
class Windows:
    """Frames of the first window and of the following ones."""

    first: int
    following: int


STREAMED = Windows(50, 150)
"""One second first, so that speech starts early; then three, so that margins cost little."""
WHOLE = Windows(500, 500)
"""One pass up to ten seconds; longer sentences in pieces, for the vocoder's memory grows with the window."""


@dataclass(frozen=True)
class Utterance:
    """Codes [N], the target's phonemes [P], style [gin], noise [inter, 2 N] (already scaled)."""

    codes: Ids
    phoneme_ids: Ids
    style: Samples
    noise: Samples

    @property
    def frames(self) -> int:
        return 2 * len(self.codes)

    def inputs(self, first: int, last: int) -> dict[str, Any]:
        return {
            "codes": self.codes[None],
            "phoneme_ids": self.phoneme_ids[None],
            "style": self.style[None, :, None],
            "noise": self.noise[None],
            "window": np.array([first, last], np.int64),
        }


def synthesize(session: Session, utterance: Utterance) -> Samples:
    """All of an utterance in one pass [n]."""
    return _window(session, utterance, 0, utterance.frames)


def stream(
    session: Session, utterance: Utterance, audio: AudioSettings, windows: Windows = STREAMED
) -> Iterator[Samples]:
    """An utterance in pieces that join without a seam.

    Each window is computed with the vocoder's receptive field around it, and that margin is cut off again.
    """
    if audio.margin_frames is None:
        yield synthesize(session, utterance)
        return
    start = 0
    for end in window_ends(utterance.frames, windows):
        yield _inner(session, utterance, audio, (start, end), audio.margin_frames)
        start = end


def window_ends(frames: int, windows: Windows) -> list[int]:
    """Where each window ends; a rest shorter than half of the first window joins the one before."""
    ends = list(range(windows.first, frames, windows.following))
    if ends and frames - ends[-1] < windows.first // 2:
        ends.pop()
    return [*ends, frames]


def measured_margin_frames(session: Session, audio: AudioSettings, seed: int = 0) -> int | None:
    """The smallest margin whose seams stay under the limit, on random codes; None if there is none."""
    utterance = random_utterance(audio, tokens=64, phonemes=40, seed=seed)
    whole = synthesize(session, utterance)
    if len(whole) != utterance.frames * audio.hop:
        found = len(whole) / utterance.frames
        raise BundleError(f"the SoVITS graph gives {found:g} samples a frame; audio.hop says {audio.hop}.")
    seams = {}
    for margin in _MARGINS:
        pieces = [_inner(session, utterance, audio, edge, margin) for edge in ((0, 50), (50, 78), (78, 128))]
        seams[margin] = difference_db(np.concatenate(pieces), whole)
        if seams[margin] <= SEAM_LIMITS_DB[0]:
            return margin
    return next((margin for margin, seam in seams.items() if seam <= SEAM_LIMITS_DB[1]), None)


def random_utterance(audio: AudioSettings, tokens: int, phonemes: int, seed: int) -> Utterance:
    """An utterance of random content, for measuring."""
    generator = np.random.default_rng(seed)
    return Utterance(
        generator.integers(audio.codes, size=tokens),
        generator.integers(32, size=phonemes),
        generator.standard_normal(audio.gin, np.float32) * np.float32(0.1),
        generator.standard_normal((audio.inter, 2 * tokens), np.float32) * np.float32(0.5),
    )


def difference_db(found: Samples, expected: Samples) -> float:
    """Power of the difference over power of ``expected``, in dB."""
    error = float(np.square(found - expected, dtype=np.float64).sum())
    power = float(np.square(expected, dtype=np.float64).sum())
    return 10 * float(np.log10(max(error, 1e-30) / max(power, 1e-30)))


def _inner(
    session: Session, utterance: Utterance, audio: AudioSettings, edge: tuple[int, int], margin: int
) -> Samples:
    start, end = edge
    first, last = max(0, start - margin), min(utterance.frames, end + margin)
    samples = _window(session, utterance, first, last)
    return samples[(start - first) * audio.hop : (end - first) * audio.hop]


def _window(session: Session, utterance: Utterance, first: int, last: int) -> Samples:
    samples: Samples = session.run(["audio"], utterance.inputs(first, last))[0][0, 0]
    return samples
