"""Ten seconds of speech on every bundle in turn, round by round: one thread, forced tokens, equal work.

The text front end (under a millisecond, the same for all) is left out.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np

from autocompress.bundle import Bundle, GraphSettings
from autocompress.bundle.decoder import Prompt, forced
from autocompress.bundle.memory import measure_memory
from autocompress.bundle.sampling import choose
from autocompress.bundle.synthesizer import WHOLE, random_utterance, stream
from benchmarks.headline.systems import TEACHER
from benchmarks.provenance import write_json

TOKENS, AUDIO_S = 250, 10.0
TARGET_PHONEMES, PROMPT_PHONEMES, PROMPT_TOKENS = 75, 30, 75
_SEED = 0
Seconds = dict[str, list[float]]
"""Row → [GPT, SoVITS] of one round."""


def time_all(
    bundles: Mapping[str, Path], rounds: int, path: Path, say: Callable[[str], None]
) -> list[Seconds]:
    """``rounds`` rounds over the same bundles, those in ``path`` included; each starts elsewhere."""
    done = rounds_done(bundles, path)
    if len(done) >= rounds:
        return done
    opened = {name: Bundle.load(folder, GraphSettings(1)) for name, folder in bundles.items()}
    for bundle in opened.values():
        once(bundle)
    while len(done) < rounds:
        names = list(opened)
        at = len(done) % len(names)
        done.append({name: once(opened[name]) for name in names[at:] + names[:at]})
        write_json(path, done)
        say(f"timed round {len(done)} of {rounds}")
    return done


def once(bundle: Bundle) -> list[float]:
    """Seconds of the GPT (prefill, steps, choosing) and of SoVITS for ten seconds of speech."""
    generator = np.random.default_rng(_SEED)
    tokens = generator.integers(bundle.manifest.audio.codes, size=PROMPT_TOKENS + TOKENS)
    phonemes = generator.integers(1, 300, size=PROMPT_PHONEMES + TARGET_PHONEMES)
    utterance = random_utterance(bundle.manifest.audio, TOKENS, TARGET_PHONEMES, _SEED)
    marks = [time.perf_counter()]
    prompt = Prompt(phonemes, tokens[:PROMPT_TOKENS])
    for index, logits in enumerate(forced(bundle.decoder, prompt, tokens[PROMPT_TOKENS:])):
        choose(logits, tokens[: PROMPT_TOKENS + index], bundle.manifest.speech, index, generator)
    marks.append(time.perf_counter())
    list(stream(bundle.graphs.sovits(0), utterance, bundle.manifest.audio, WHOLE))
    marks.append(time.perf_counter())
    return [float(span) for span in np.diff(marks)]


def medians(rounds: list[Seconds]) -> dict[str, dict[str, float]]:
    """By row: seconds of ten seconds of speech, of each network, and how far rounds spread (quartiles).

    Times faster than ``TEACHER`` are taken round by round, since the pace of a shared machine changes.
    """
    found = {}
    whole = np.array([sum(one[TEACHER]) for one in rounds])
    for name in rounds[0]:
        gpt, sovits = np.array([one[name] for one in rounds]).T
        low, middle, high = np.quantile(gpt + sovits, (0.25, 0.5, 0.75))
        found[name] = {
            "latency_s": float(middle),
            "latency_s_low": float(low),
            "latency_s_high": float(high),
            "gpt_s": float(np.median(gpt)),
            "sovits_s": float(np.median(sovits)),
            "times_faster": float(np.median(whole / (gpt + sovits))),
        }
    return found


def memory_mb(bundles: Mapping[str, Path], path: Path) -> dict[str, float]:
    """Peak memory of speaking, beyond the libraries, each bundle in a process of its own."""
    known: dict[str, float] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    for name, folder in bundles.items():
        if name not in known:
            known[name] = measure_memory(folder, threads=1).speaking_bytes / 1e6
            write_json(path, known)
    return known


def rounds_done(names: Collection[str], path: Path) -> list[Seconds]:
    """What ``path`` has of these bundles side by side."""
    known = json.loads(path.read_text("utf-8")) if path.is_file() else []
    return [one for one in known if set(one) == set(names)]
