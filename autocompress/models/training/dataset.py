"""A corpus made ready for training: waves, semantic tokens, phonemes, in one folder, computed once."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from autocompress.errors import MalformedError
from autocompress.models.mel import FloatArray

TRAIN, VALIDATION, UNSEEN = "train", "validation", "unseen"
GPT_ONLY = "gpt"  # trained on by the GPT, never by SoVITS


@dataclass(frozen=True)
class Item:
    """What training knows of one clip besides its arrays."""

    speaker: str
    text: str
    language: str
    split: str


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths in one array; row i is ``values[starts[i]:starts[i + 1]]``."""

    values: NDArray[np.int16]
    starts: NDArray[np.int64]

    def __getitem__(self, row: int) -> NDArray[np.int16]:
        return self.values[self.starts[row] : self.starts[row + 1]]

    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    @staticmethod
    def of(rows: Sequence[NDArray[np.int16]]) -> "Ragged":
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return Ragged(np.concatenate(rows).astype(np.int16), starts)


@dataclass(frozen=True)
class Dataset:
    """Everything a training step reads. Waves are int16 at ``sample_rate_hz``; tokens are 25 a second."""

    items: tuple[Item, ...]
    waves: Ragged
    tokens: Ragged
    phonemes: Ragged
    sample_rate_hz: int
    hop: int

    def wave(self, row: int) -> FloatArray:
        """Float wave [2 · tokens · hop], cut to whole tokens."""
        n_samples = 2 * self.hop * len(self.tokens[row])
        return self.waves[row][:n_samples].astype(np.float32) / 32768.0

    def rows(self, *splits: str) -> list[int]:
        return [row for row, item in enumerate(self.items) if item.split in splits]

    def by_speaker(self, *splits: str) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for row in self.rows(*splits):
            rows.setdefault(self.items[row].speaker, []).append(row)
        return rows

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {
            f"{name}.{part}": getattr(ragged, part)
            for name, ragged in (("waves", self.waves), ("tokens", self.tokens), ("phonemes", self.phonemes))
            for part in ("values", "starts")
        }
        save_file(arrays, folder / "arrays.tmp")
        (folder / "arrays.tmp").replace(folder / "arrays.safetensors")
        facts = {"sample_rate_hz": self.sample_rate_hz, "hop": self.hop}
        rows = [asdict(item) for item in self.items]
        # Written last: its presence says that the folder is whole.
        (folder / "items.tmp").write_text(json.dumps(facts | {"items": rows}, ensure_ascii=False))
        (folder / "items.tmp").replace(folder / "items.json")

    @staticmethod
    def load(folder: Path) -> "Dataset":
        try:
            facts = json.loads((folder / "items.json").read_text())
            arrays = load_file(folder / "arrays.safetensors")
        except (OSError, ValueError) as fault:
            raise MalformedError(f"No prepared corpus in {folder} ({fault}). Prepare it again.") from fault
        ragged = {
            name: Ragged(arrays[f"{name}.values"], arrays[f"{name}.starts"])
            for name in ("waves", "tokens", "phonemes")
        }
        items = tuple(Item(**row) for row in facts["items"])
        return Dataset(items, **ragged, sample_rate_hz=facts["sample_rate_hz"], hop=facts["hop"])


def split_of(speaker: str, rank: int, unseen: frozenset[str], n_validation: int) -> str:
    """Unseen speakers are never trained on; of the others the first ``n_validation`` clips are kept out."""
    if speaker in unseen:
        return UNSEEN
    return VALIDATION if rank < n_validation else TRAIN
