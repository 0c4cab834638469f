"""Measures the text front end, and makes the weights of its letter-to-sound network.

python benchmarks/text_front_end.py                              # writes results/text_front_end.json
python benchmarks/text_front_end.py --checkpoint checkpoint20.npz  # and compares with g2p-en unrounded
python benchmarks/text_front_end.py --checkpoint checkpoint20.npz --make-weights
"""

import argparse
import json
import platform
import random
import time
from pathlib import Path
from unittest import mock

import numpy as np

from autocompress.models.text.english import g2p, letter_to_sound, lexicon

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "results" / "text_front_end.json"
WORDS = ROOT / "tests" / "data" / "text" / "unknown_english_words.txt"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--checkpoint", type=Path)
    arguments.add_argument("--make-weights", action="store_true")
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    if options.make_weights:
        make_weights(options.checkpoint)
    result = {"machine": platform.processor() or platform.machine(), "python": platform.python_version()}
    result |= {
        "seed": options.seed,
        "command": "python benchmarks/text_front_end.py --checkpoint checkpoint20.npz",
    }
    result |= unknown_words() | dictionary_words(options.seed, options.checkpoint) | loading()
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(RESULT.read_text())


def make_weights(checkpoint: Path) -> None:
    """8 bits a weight, one scale a row."""
    stored = {}
    with np.load(checkpoint) as original:
        for name in original.files:
            weight = original[name].astype(np.float32)
            is_matrix = weight.ndim == 2
            scale = np.abs(weight).max(axis=1, keepdims=True) / 127 if is_matrix else np.ones(1, np.float32)
            stored[name] = np.rint(weight / scale).astype(np.int8) if is_matrix else weight
            stored[f"{name}.scale"] = scale.astype(np.float32)
    np.savez_compressed(letter_to_sound.WEIGHTS, **stored)


def unknown_words() -> dict:
    """Phoneme error rate on words that CMUdict lacks, stress left out."""
    rows = [line.split("|") for line in WORDS.read_text().splitlines() if not line.startswith("#")]
    wrong = sum(edits(_plain(g2p.read_word(word)), reading.split()) for word, reading in rows)
    total = sum(len(reading.split()) for _, reading in rows)
    return {"unknown_words": len(rows), "unknown_words_phoneme_error_rate": round(wrong / total, 4)}


def dictionary_words(seed: int, checkpoint: Path | None, count: int = 600) -> dict:
    """Whole-word agreement of the network with CMUdict, and with the weights before rounding."""
    words = sorted(word for word in lexicon._dictionary() if word.isalpha() and len(word) > 3)
    words = random.Random(seed).sample(words, count)
    rounded = [letter_to_sound.guess.__wrapped__(word) for word in words]
    agree = sum(
        _plain(guess) == _plain(lexicon.pronounce(word)) for guess, word in zip(rounded, words, strict=True)
    )
    result = {"dictionary_words": count, "same_as_dictionary_without_stress": agree / count}
    if checkpoint:
        with np.load(checkpoint) as original:
            weights = {name: original[name] for name in original.files}
        with mock.patch.object(letter_to_sound, "_weights", lambda: weights):
            exact = [letter_to_sound.guess.__wrapped__(word) for word in words]
        result["same_as_unrounded"] = sum(a == b for a, b in zip(rounded, exact, strict=True)) / count
    return result


def loading() -> dict:
    """Processor time of the first Chinese and the first English sentence."""
    from autocompress.models.text import to_phonemes

    lexicon._dictionary.cache_clear()
    seconds = {}
    for name, text in (("english", "Good morning, doctor."), ("chinese", "今天天气很好。")):
        started = time.process_time()
        to_phonemes(text)
        seconds[f"first_{name}_sentence_cpu_s"] = round(time.process_time() - started, 3)
    return seconds


def edits(a: list[str], b: list[str]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, previous = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (x != y)))
    return row[-1]


def _plain(reading: tuple[str, ...] | None) -> list[str]:
    return [phoneme.rstrip("012") for phoneme in reading or ()]


if __name__ == "__main__":
    main()
