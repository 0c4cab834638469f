"""What a precision does to the speech: exported graphs on ONNX Runtime beside the fp32 ones, case by case."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autocompress.bundle.decoder import Decoder, Prompt, forced
from autocompress.bundle.sessions import SessionSettings, open_session
from autocompress.metrics.divergence import TeacherForced, kl_nats, mel_distance_db, top_k_agreement
from autocompress.metrics.prosody import silence_floor_db
from autocompress.metrics.score import bootstrap
from autocompress.metrics.teacher_forced import ForcedCase

Arrays = list[np.ndarray]
Numbers = dict[str, float]
_ONE_THREAD = SessionSettings(1)


def gpt_logits(prefill: Path, step: Path, cases: Sequence[ForcedCase]) -> Arrays:
    """Logits [N + 1, V] of each case: after the prompt and after each of the teacher's tokens."""
    decoder = Decoder(*(open_session(path, "CPU", _ONE_THREAD) for path in (prefill, step)))
    out = []
    for case in cases:
        prompt = Prompt(case.phoneme_ids[0].numpy(), case.prompt[0].numpy())
        out.append(np.stack([row.copy() for row in forced(decoder, prompt, case.tokens[0].numpy())]))
    return out


def sovits_audio(graph: Path, cases: Sequence[ForcedCase]) -> Arrays:
    """Audio [n] of each case's tokens with the case's noise."""
    session = open_session(graph, "CPU", _ONE_THREAD)
    return [session.run(["audio"], _inputs(case))[0][0, 0] for case in cases]


def gpt_quality(cases: Sequence[ForcedCase], found: Arrays, fp32: Arrays, eos: int) -> Numbers:
    """KL in nats with its interval over sentences, and top-15 agreement."""
    pairs = [TeacherForced(c.sentence, b, a, eos) for c, a, b in zip(cases, found, fp32, strict=True)]
    agreement = float(np.mean([top_k_agreement(pair) for pair in pairs]))
    return _mean("kl_nats", cases, [kl_nats(pair) for pair in pairs]) | {"top_15_agreement": agreement}


def sovits_quality(cases: Sequence[ForcedCase], found: Arrays, fp32: Arrays, rate_hz: int) -> Numbers:
    """Mel distance in dB with its interval, and by how much the silence floor rises."""
    pairs = list(zip(found, fp32, strict=True))
    rise = [silence_floor_db(a, rate_hz) - silence_floor_db(b, rate_hz) for a, b in pairs]
    mel = _mean("mel_distance_db", cases, [mel_distance_db(a, b, rate_hz) for a, b in pairs])
    return mel | _mean("silence_floor_rise_db", cases, rise)


def _mean(name: str, cases: Sequence[ForcedCase], values: Sequence[float]) -> Numbers:
    found = bootstrap(np.array(values), [case.sentence for case in cases], seed=0)
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _inputs(case: ForcedCase) -> dict[str, np.ndarray]:
    return {
        "codes": case.tokens.numpy(),
        "phoneme_ids": case.target_ids.numpy(),
        "style": case.style.numpy(),
        "noise": case.noise.numpy(),
        "window": np.array([0, 2 * case.tokens.shape[1]], np.int64),
    }
