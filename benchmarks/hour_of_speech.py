"""Memory of a bundle that speaks for an hour, sentence after sentence.

    python -m benchmarks.hour_of_speech BUNDLE [--minutes 60]

The peak of resident memory is read after each twelfth; the bundle in results is a row of the
headline. Writes ``results/runtime/hour_of_speech.json``.
"""

import argparse
import time
from pathlib import Path

from autocompress.bundle import Bundle, GraphSettings
from autocompress.bundle.memory import resident_peak_bytes
from benchmarks.progress import told
from benchmarks.provenance import REPOSITORY, provenance, write_json

RESULT = REPOSITORY / "results" / "runtime" / "hour_of_speech.json"
TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "It was already late when they reached the harbour, and the last boat had left an hour before.",
    "Please call me back tomorrow.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    given = parser.parse_args()
    bundle = Bundle.load(given.bundle, GraphSettings(1))
    rate, voice = bundle.sample_rate_hz, bundle.voices.names()[0]
    spoken_s, seed, begin, peaks = 0.0, 0, time.monotonic(), []
    for part in range(1, 13):
        while spoken_s < part * 60 * given.minutes / 12:
            spoken_s += len(bundle.say(TEXTS[seed % len(TEXTS)], voice, seed=seed)) / rate
            seed += 1
        peaks.append(round(resident_peak_bytes() / 1e6, 2))
        told(f"{spoken_s / 60:.1f} minutes: {peaks[-1]} MB at most so far")
    facts = {"bundle": given.bundle.parent.name, "sentences": seed, "spoken_s": round(spoken_s, 1)}
    facts |= {"seconds": round(time.monotonic() - begin, 1), "peak_mb_after_each_twelfth": peaks}
    write_json(RESULT, provenance(0, **facts))


if __name__ == "__main__":
    main()
