"""GPT checkpoints: sizes from the configuration and the tensors, then the network."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from autocompress.errors import CheckpointError
from autocompress.models.checkpoint.fitting import fill, size_of, vote
from autocompress.models.checkpoint.reading import CheckpointFile
from autocompress.models.config import BlockSize, GptConfig
from autocompress.models.gpt import Gpt
from autocompress.models.serial import from_json

OWN_SECTION = "autocompress"
PREFIX = "model."
HZ = 50  # upstream counts max_sec at 50 tokens a second


def gpt_from(file: CheckpointFile) -> Gpt:
    """The network in evaluation mode, float32."""
    if file.kind != "gpt":
        raise CheckpointError(f"{file.path}: a SoVITS model was given as the GPT. Swap the two files.")
    weight = {key.removeprefix(PREFIX): tensor for key, tensor in file.weight.items()}
    gpt = Gpt(gpt_config(file.config, weight, str(file.path)))
    fill(gpt, weight, str(file.path), PREFIX)
    return gpt.eval().requires_grad_(False)


def gpt_config(config: Mapping[str, Any], weight: Mapping[str, Tensor], source: str) -> GptConfig:
    """Depth, width and vocabularies from the configuration; each block's sizes from its tensors."""
    if OWN_SECTION in config:
        return from_json(GptConfig, _section(config, OWN_SECTION, source).get("gpt"))
    model = _section(config, "model", source)
    width, heads, layers = (integer(model, key, source) for key in ("hidden_dim", "head", "n_layer"))
    if width % heads:
        raise CheckpointError(f"{source}: {heads} heads do not divide hidden_dim={width}.")
    blocks = tuple(_block(weight, f"h.layers.{i}.", width, heads) for i in range(layers))
    seconds = config.get("data", {}).get("max_sec", 54) if isinstance(config.get("data"), dict) else 54
    return GptConfig(
        width=width,
        blocks=blocks,
        phoneme_vocab=integer(model, "phoneme_vocab_size", source),
        semantic_vocab=integer(model, "vocab_size", source),
        max_tokens=HZ * int(seconds),
    )


def _block(weight: Mapping[str, Tensor], at: str, width: int, heads: int) -> BlockSize:
    """Heads keep the size that the configuration gives; a narrower attention has fewer of them."""
    rows = [size_of(weight, f"{at}self_attn.in_proj_{kind}", 0) for kind in ("weight", "bias")]
    attention = vote(
        [*(r // 3 if r else None for r in rows), size_of(weight, f"{at}self_attn.out_proj.weight", 1)], width
    )
    ffn = vote(
        [
            size_of(weight, f"{at}linear1.weight", 0),
            size_of(weight, f"{at}linear1.bias", 0),
            size_of(weight, f"{at}linear2.weight", 1),
        ],
        4 * width,
    )
    head_size = width // heads
    return BlockSize(max(1, attention // head_size), head_size, max(1, ffn))


def _section(config: Mapping[str, Any], name: str, source: str) -> Mapping[str, Any]:
    section = config.get(name)
    if not isinstance(section, dict):
        raise CheckpointError(f"{source}: its configuration has no table {name!r}.")
    return section


def integer(table: Mapping[str, Any], key: str, source: str) -> int:
    """A positive whole number of a configuration."""
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise CheckpointError(
            f"{source}: the configuration's {key} must be a positive number, found {value!r}."
        )
    return value
