"""BERT features of Chinese text, and zeros for everything else.

GPT-SoVITS adds chinese-roberta-wwm-ext-large's third-last hidden state to Chinese phonemes: one vector a
character, repeated for each of its phonemes. Every other language gets zeros; without the folder all do.
"""

import json
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn

from autocompress.errors import CheckpointError, TextError
from autocompress.models.audio import Samples
from autocompress.models.hf_folder import import_transformers, load_network, open_hf_folder
from autocompress.models.text import Phonemes, Segment

BERT_WIDTH = 1024
EXAMPLE_FOLDER = "chinese-roberta-wwm-ext-large"
_UNUSED_LAYERS = 2  # hidden state −3 is the output of the third-last layer
_SPECIAL = ("[CLS]", "[SEP]", "[UNK]")


class BertFeatures:
    """RoBERTa from the user's folder; callable: one text [n characters] → vectors [width, n]."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = open_hf_folder(folder, "bert", EXAMPLE_FOLDER)
        self._vocabulary = _read_vocabulary(self._folder.path)

    @cached_property
    def name(self) -> str:
        return self._folder.identity

    @torch.inference_mode()
    def __call__(self, text: str) -> Samples:
        """One vector a character [width, len(text)], [CLS] and [SEP] cut off."""
        cls, sep, unknown = (self._vocabulary[name] for name in _SPECIAL)
        ids = [cls, *(self._vocabulary.get(character.lower(), unknown) for character in text), sep]
        limit = int(self._folder.config.get("max_position_embeddings", 512))
        if len(ids) > limit:
            raise TextError(
                f"BERT takes {limit - 2} characters at once, found {len(text)}. Split it into sentences."
            )
        hidden = self._network(input_ids=torch.tensor([ids])).last_hidden_state  # [1, n + 2, width]
        vectors: Samples = hidden[0, 1:-1].T.contiguous().numpy()
        return vectors

    @cached_property
    def _network(self) -> nn.Module:
        transformers = import_transformers("BERT features for Chinese text")
        settings = dict(self._folder.config)
        kept = int(settings.get("num_hidden_layers", 0)) - _UNUSED_LAYERS
        if kept < 1:
            raise CheckpointError(f"{self._folder.path}: too few layers. Give {EXAMPLE_FOLDER}.")
        unused = tuple(f"encoder.layer.{kept + i}." for i in range(_UNUSED_LAYERS))
        return load_network(
            self._folder,
            build=lambda: transformers.BertModel(
                transformers.BertConfig.from_dict(settings | {"num_hidden_layers": kept}),
                add_pooling_layer=False,
            ),
            ignored=lambda key: key.startswith(("cls.", "pooler.", "embeddings.position_ids", *unused)),
        )


def bert_features(phonemes: Phonemes, bert: BertFeatures | None, width: int = BERT_WIDTH) -> Samples:
    """Features [width, n_phonemes] of a text: BERT's for its Chinese segments, zeros for the others."""
    columns = [_segment_features(segment, bert, width) for segment in phonemes.segments]
    features = np.concatenate(columns, axis=1) if columns else np.zeros((width, 0), np.float32)
    if features.shape[1] != len(phonemes.ids):
        raise TextError(
            f"{len(phonemes.ids)} phonemes but features for {features.shape[1]}: the segments do not add up"
        )
    return features


def _segment_features(segment: Segment, bert: BertFeatures | None, width: int) -> Samples:
    if bert is None or segment.language != "zh" or segment.word2ph is None:
        return np.zeros((width, len(segment.ids)), np.float32)
    vectors = bert(segment.normalized)
    if len(vectors) != width:
        raise CheckpointError(
            f"{bert.name}: its vectors have {len(vectors)} values, the model takes {width}. "
            f"Use {EXAMPLE_FOLDER}."
        )
    return np.repeat(vectors, segment.word2ph, axis=1)


def _read_vocabulary(folder: Path) -> dict[str, int]:
    """Token → id, from ``vocab.txt`` or ``tokenizer.json``; Chinese BERT has one token a character."""
    try:
        vocabulary = _parse_vocabulary(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder}: its vocabulary cannot be read ({error}).") from error
    missing = [name for name in _SPECIAL if name not in vocabulary]
    if missing:
        raise CheckpointError(f"{folder}: its vocabulary lacks {', '.join(missing)}. Give {EXAMPLE_FOLDER}.")
    return vocabulary


def _parse_vocabulary(folder: Path) -> dict[str, int]:
    if (folder / "vocab.txt").is_file():
        tokens = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
        return {token.rstrip("\r"): i for i, token in enumerate(tokens) if token}
    if (folder / "tokenizer.json").is_file():
        parsed = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        return {str(token): int(i) for token, i in parsed["model"]["vocab"].items()}
    raise CheckpointError(f"{folder}: neither vocab.txt nor tokenizer.json in it. Give the whole folder.")
