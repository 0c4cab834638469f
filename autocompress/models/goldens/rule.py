"""Fill rule 1: synthetic weights that anyone regenerates bit for bit from a seed and the tensors' names."""

import math
import zlib

import numpy as np
import torch
from torch import Tensor, nn

# First match wins: (test on the key, offset, scale). A scale of None means gain / sqrt(fan in).
_ENDINGS: tuple[tuple[tuple[str, ...], float, float], ...] = (
    (("_codebook.inited",), 1, 0),
    (("_codebook.cluster_size",), 5, 1),
    (("_codebook.embed", "_codebook.embed_avg"), 0, 1),
    ((".alpha",), 1, 0.1),
    ((".gamma", "norm1.weight", "norm2.weight"), 1, 0.1),
    ((".bias", ".beta", ".in_proj_bias"), 0, 0.05),
    (("prelu.weight",), 0.25, 0.05),
    ((".emb_rel_k", ".emb_rel_v"), 0, 0.3),
)
_GAINS = (
    (".in_proj_weight", 1.5),
    ("self_attn.out_proj.weight", 0.3),
    ("linear2.weight", 0.7),
    ("ar_predict_layer.weight", 3.0),
)


def offset_and_scale(key: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """What the rule gives a tensor of this name and shape."""
    for endings, offset, scale in _ENDINGS:
        if key.endswith(endings):
            return offset, scale
    if key.endswith("weight_g"):
        special = {".ups.": (2.0, 0.2), ".resblocks.": (0.7, 0.07)}
        return next((value for part, value in special.items() if part in key), (1.0, 0.1))
    if key.endswith(("word_embeddings.weight", "text_embedding.weight")):
        return 0.0, 1.0
    gain = next((g for ending, g in _GAINS if key.endswith(ending)), 1.0)
    gain = 0.5 if key.startswith("dec.conv_post") else gain
    return 0.0, gain / math.sqrt(math.prod(shape[1:]))


def filled(key: str, shape: tuple[int, ...], seed: int) -> Tensor:
    """The float16 tensor of this name."""
    named = key[:-4] if key.endswith("_codebook.embed_avg") else key
    stream = np.random.RandomState(zlib.crc32(f"{seed}:{named}".encode()))
    unit = math.sqrt(3) * (2 * stream.random_sample(math.prod(shape)) - 1)
    offset, scale = offset_and_scale(key, shape)
    values = (offset + scale * unit).astype(np.float32).reshape(shape)
    return torch.from_numpy(values.astype(np.float16))


def fill_by_rule(model: nn.Module, seed: int, prefix: str = "") -> None:
    """Give every tensor of ``model`` its synthetic value; ``prefix`` is what files write before the names."""
    state = model.state_dict()
    model.load_state_dict(
        {key: filled(prefix + key, tuple(t.shape), seed).float() for key, t in state.items()}
    )
