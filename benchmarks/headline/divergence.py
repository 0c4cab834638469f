"""How far each bundle is from the fp32 graphs on the same tokens and noise: chance plays no part."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autocompress.bundle.integrity import read_manifest
from autocompress.bundle.manifest import PREFILL, SOVITS, STEP
from autocompress.errors import AutocompressError
from autocompress.metrics.teacher_forced import ForcedCase
from benchmarks.headline.systems import TEACHER
from benchmarks.precision.quality import Arrays, gpt_logits, gpt_quality, sovits_audio, sovits_quality
from benchmarks.provenance import write_json

KEPT = ("kl_nats", "mel_distance_db", "silence_floor_rise_db")


@dataclass(frozen=True, eq=False)
class Answers:
    """What one bundle answers to the cases."""

    logits: Arrays
    audio: Arrays

    @classmethod
    def of(cls, folder: Path, cases: Sequence[ForcedCase]) -> "Answers":
        graphs = {role: folder / read_manifest(folder).path_of(role) for role in (PREFILL, STEP, SOVITS)}
        return cls(gpt_logits(graphs[PREFILL], graphs[STEP], cases), sovits_audio(graphs[SOVITS], cases))


def diverge_all(
    bundles: Mapping[str, Path],
    cases: Callable[[], Sequence[ForcedCase]],
    eos: int,
    rate_hz: int,
    path: Path,
) -> dict[str, dict[str, float]]:
    """KL in nats a token, mel distance and rise of the silence floor in dB, by row."""
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if set(bundles) <= set(known):
        return known
    fed = cases()
    fp32 = Answers.of(bundles[TEACHER], fed)
    for name in (name for name in bundles if name not in known):
        own = fp32 if name == TEACHER else Answers.of(bundles[name], fed)
        known[name] = _compared(fed, own, fp32, eos, rate_hz)
        write_json(path, known)
    return known


def _compared(
    cases: Sequence[ForcedCase], own: Answers, fp32: Answers, eos: int, rate_hz: int
) -> dict[str, float]:
    """NaN where a bundle answers nothing that can be compared."""
    try:
        found = gpt_quality(cases, own.logits, fp32.logits, eos)
        found |= sovits_quality(cases, own.audio, fp32.audio, rate_hz)
    except (AutocompressError, ArithmeticError, ValueError):
        return dict.fromkeys(KEPT, math.nan)
    return {key: found[key] for key in KEPT}
