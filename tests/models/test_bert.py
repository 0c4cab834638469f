"""BERT features of Chinese text from a user's folder: a tiny random one."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autocompress.errors import CheckpointError, TextError
from autocompress.models.bert import BertFeatures, bert_features
from autocompress.models.hf_folder import import_transformers
from autocompress.models.text import Phonemes, Segment

needs_transformers = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None,
    reason="the extra 'hubert' (transformers) is not installed",
)
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "你", "好", "世", "界", "a", ","]
CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "vocab_size": len(VOCABULARY),
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
}
CHINESE = Segment("zh", "你好", ("n", "i2", "h", "ao3"), (227, 167, 158, 119), (2, 2))
ENGLISH = Segment("en", "hi", ("HH", "AY1"), (51, 30), None)


def random_bert() -> Any:
    transformers = import_transformers("a test")
    torch.manual_seed(0)
    return transformers.BertForMaskedLM(transformers.BertConfig.from_dict(dict(CONFIG))).float().eval()


def write_folder(folder: Path, weights: dict[str, Tensor], **config: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    torch.save(weights, folder / "pytorch_model.bin")
    return folder


def phonemes(*segments: Segment) -> Phonemes:
    return Phonemes("v2", segments)


@needs_transformers
def test_a_character_gets_the_third_last_hidden_state_of_the_whole_network(tmp_path: Path) -> None:
    original = random_bert()
    bert = BertFeatures(write_folder(tmp_path / "roberta", original.state_dict()))
    ids = torch.tensor([[2, 4, 5, 9, 1, 8, 3]])  # [CLS] 你 好 , unknown a [SEP]
    with torch.inference_mode():
        states = original.bert(input_ids=ids, output_hidden_states=True).hidden_states
    vectors = bert("你好,嗯A")
    assert vectors.shape == (16, 5)
    np.testing.assert_allclose(vectors, states[-3][0, 1:-1].T.numpy(), atol=1e-6)
    assert np.abs(vectors - states[-2][0, 1:-1].T.numpy()).max() > 1e-3  # the twin: one layer further on


@needs_transformers
def test_each_phoneme_of_a_character_gets_its_vector_and_other_languages_get_zeros(tmp_path: Path) -> None:
    bert = BertFeatures(write_folder(tmp_path / "roberta", random_bert().state_dict()))
    features = bert_features(phonemes(ENGLISH, CHINESE, ENGLISH), bert, width=16)
    assert features.shape == (16, 8)
    vectors = bert("你好")
    np.testing.assert_array_equal(features[:, 2:6], vectors[:, [0, 0, 1, 1]])
    assert not features[:, [0, 1, 6, 7]].any()


def test_without_the_folder_everything_is_zero() -> None:
    assert not bert_features(phonemes(CHINESE, ENGLISH), None).any()
    assert bert_features(phonemes(CHINESE, ENGLISH), None).shape == (1024, 6)


@needs_transformers
def test_old_names_a_fp16_file_and_a_tokenizer_json_give_the_same_features(tmp_path: Path) -> None:
    weights = random_bert().state_dict()
    plain = BertFeatures(write_folder(tmp_path / "plain", weights))
    old = {
        key.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): value.half()
        for key, value in weights.items()
    }
    folder = write_folder(tmp_path / "old", old, torch_dtype="float16")
    (folder / "vocab.txt").unlink()
    (folder / "tokenizer.json").write_text(
        json.dumps({"model": {"vocab": {token: i for i, token in enumerate(VOCABULARY)}}}), encoding="utf-8"
    )
    np.testing.assert_allclose(BertFeatures(folder)("世界"), plain("世界"), atol=5e-3)  # fp16 keeps 3 digits


@needs_transformers
def test_a_network_of_another_width_is_refused(tmp_path: Path) -> None:
    bert = BertFeatures(write_folder(tmp_path / "roberta", random_bert().state_dict()))
    with pytest.raises(CheckpointError, match="16 values, the model takes 1024"):
        bert_features(phonemes(CHINESE), bert)


@needs_transformers
def test_missing_layers_are_listed_and_too_few_are_refused(tmp_path: Path) -> None:
    weights = {key: value for key, value in random_bert().state_dict().items() if "layer.0.output" not in key}
    with pytest.raises(CheckpointError, match=r"4 faults:\n  missing encoder\.layer\.0\.output"):
        BertFeatures(write_folder(tmp_path / "roberta", weights))("你")
    with pytest.raises(CheckpointError, match="too few layers"):
        BertFeatures(write_folder(tmp_path / "shallow", weights, num_hidden_layers=2))("你")


@needs_transformers
def test_more_characters_than_positions_are_refused(tmp_path: Path) -> None:
    bert = BertFeatures(write_folder(tmp_path / "roberta", random_bert().state_dict()))
    assert bert("你" * 30).shape == (16, 30)
    with pytest.raises(TextError, match="takes 30 characters at once, found 31"):
        bert("你" * 31)


def test_a_folder_without_a_usable_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "roberta", {})
    (folder / "vocab.txt").write_text("你\n好\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"lacks \[CLS\], \[SEP\], \[UNK\]"):
        BertFeatures(folder)
    (folder / "vocab.txt").unlink()
    with pytest.raises(CheckpointError, match=r"neither vocab\.txt nor tokenizer\.json"):
        BertFeatures(folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match="vocabulary cannot be read"):
        BertFeatures(folder)
