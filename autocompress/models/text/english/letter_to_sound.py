"""Pronunciations of unknown English words: a small recurrent network over letters.

The weights are those of g2p-en 2.1.0 (Apache-2.0, Kyubyong Park and Jongseok Kim), the network that upstream
asks too, here stored as 8-bit rows; ``data/README.md`` says how it is made and what rounding changes.
"""

from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

WEIGHTS = Path(__file__).parents[1] / "data" / "english_letters.npz"
LONGEST_READING = 20  # phonemes; the limit that the network was trained with
START, STOP = "<s>", "</s>"
LETTERS = ["<pad>", "<unk>", STOP, *"abcdefghijklmnopqrstuvwxyz"]
PHONEMES = str.split(
    "<pad> <unk> <s> </s> AA0 AA1 AA2 AE0 AE1 AE2 AH0 AH1 AH2 AO0 AO1 AO2 AW0 AW1 AW2 AY0 AY1 AY2 B CH D DH "
    "EH0 EH1 EH2 ER0 ER1 ER2 EY0 EY1 EY2 F G HH IH0 IH1 IH2 IY0 IY1 IY2 JH K L M N NG OW0 OW1 OW2 OY0 OY1 "
    "OY2 P R S SH T TH UH0 UH1 UH2 UW UW0 UW1 UW2 V W Y Z ZH"
)


@lru_cache(maxsize=4096)
def guess(word: str) -> tuple[str, ...]:
    """ARPAbet guessed for a lower-case word from its letters alone."""
    weights = _weights()
    hidden = np.zeros(weights["enc_w_hh"].shape[1], np.float32)
    for letter in [*word, STOP]:
        index = LETTERS.index(letter) if letter in LETTERS else LETTERS.index("<unk>")
        hidden = _gru_step(weights["enc_emb"][index], hidden, "enc")
    reading: list[str] = []
    symbol = START
    while len(reading) < LONGEST_READING:
        hidden = _gru_step(weights["dec_emb"][PHONEMES.index(symbol)], hidden, "dec")
        symbol = PHONEMES[int(np.argmax(weights["fc_w"] @ hidden + weights["fc_b"]))]
        if symbol == STOP:
            break
        reading.append(symbol)
    return tuple(phoneme for phoneme in reading if phoneme[0] != "<")


def _gru_step(x: Array, hidden: Array, side: str) -> Array:
    """One step of a GRU; gates stacked as reset, update, candidate."""
    weights = _weights()
    reset_x, update_x, candidate_x = np.split(weights[f"{side}_w_ih"] @ x + weights[f"{side}_b_ih"], 3)
    reset_h, update_h, candidate_h = np.split(weights[f"{side}_w_hh"] @ hidden + weights[f"{side}_b_hh"], 3)
    update = _sigmoid(update_x + update_h)
    candidate = np.tanh(candidate_x + _sigmoid(reset_x + reset_h) * candidate_h)
    state: Array = (1 - update) * candidate + update * hidden
    return state


def _sigmoid(x: Array) -> Array:
    gate: Array = np.reciprocal(1 + np.exp(-x), dtype=np.float32)
    return gate


@cache
def _weights() -> dict[str, Array]:
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return {
            name: stored[name].astype(np.float32) * stored[f"{name}.scale"]
            for name in stored.files
            if not name.endswith(".scale")
        }
